declare global {
  namespace OrbitJobs {
    /** Every job's name and payload. Features add theirs by declaration merging. */
    // oxlint-disable-next-line typescript/no-empty-object-type -- it is there to be merged into
    interface Jobs {}

    /** What handlers find on `ctx` beside the facts of their run. The app adds its own members. */
    // oxlint-disable-next-line typescript/no-empty-object-type -- it is there to be merged into
    interface Core {}
  }
}

/** A job that was declared in `OrbitJobs.Jobs`. */
export type JobName = Extract<keyof OrbitJobs.Jobs, string>;

/** The payload that `OrbitJobs.Jobs` declares for the job `N`. */
export type JobPayload<N extends JobName> = OrbitJobs.Jobs[N];

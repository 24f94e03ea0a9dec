import type { JobName, JobPayload } from "../application/job-types.ts";
import type { MemoryStore } from "../infrastructure/memory/memory-provider.ts";

/** A job with its facts; narrowing by `name` gives the payload its type. */
export type JobView<Facts> = {
  [N in JobName]: { readonly name: N; readonly payload: JobPayload<N> } & Facts;
}[JobName];

export type PendingJob = JobView<{
  readonly jobId: string;
  /** Begun ones. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** The next attempt starts no sooner. */
  readonly runAt: Date;
}>;

export type DeadInMemoryJob = JobView<{
  readonly jobId: string;
  readonly attempts: number;
  readonly lastError: string;
}>;

export function jobView<Facts>(
  { name, json }: { readonly name: string; readonly json: string },
  facts: Facts,
): JobView<Facts> {
  // The signature of `enqueue` bound the payload to the name.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { name, payload: JSON.parse(json) as unknown, ...facts } as JobView<Facts>;
}

export function pendingJobs(store: MemoryStore): readonly PendingJob[] {
  return [...store.jobs.values()]
    .toSorted((one, other) => one.runAt - other.runAt)
    .map((job) => {
      const { id: jobId, attempts, maxAttempts, runAt } = job;
      return jobView(job, { jobId, attempts, maxAttempts, runAt: new Date(runAt) });
    });
}

export function deadJobs(store: MemoryStore): readonly DeadInMemoryJob[] {
  return store.dead.map((job) => {
    const { id: jobId, attempts, lastError } = job;
    return jobView({ name: job.name, json: job.payload }, { jobId, attempts, lastError });
  });
}

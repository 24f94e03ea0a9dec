import type { JobName, JobPayload } from "./job-types.ts";

export interface EnqueueOptions {
  /** Not before this time; a time in the past means now. Kept to the second. */
  runAt?: Date;
  /**
   * 1 to 512 characters, unique per job name. While a job with this key waits (also between its
   * retries) another enqueue with the key is absorbed.
   */
  jobKey?: string;
  /** How many runs the job gets before it is dead: 1 to 32,767. */
  maxAttempts?: number;
}

/** One entry of {@link JobQueue.enqueueMany}: a job's name with the payload of that very job. */
export type EnqueueRequest = {
  [N in JobName]: {
    readonly name: N;
    readonly payload: JobPayload<N>;
    readonly options?: EnqueueOptions;
  };
}[JobName];

/** What services call to have work done later. */
export interface JobQueue {
  /**
   * Resolves when the job is durably stored.
   *
   * @throws JobsError `jobs.not_configured`, `jobs.unknown_job`, `jobs.invalid_payload`,
   * `jobs.payload_too_large`, `jobs.invalid_options`, `jobs.provider_unavailable` or
   * `jobs.provider_rejected`; nothing was enqueued then.
   */
  enqueue<N extends JobName>(
    name: N,
    payload: JobPayload<N>,
    options?: EnqueueOptions,
  ): Promise<void>;

  /**
   * Many at once, all or none. Fails as {@link JobQueue.enqueue} does, for the first bad entry. A
   * provider that can only take them in parts says in the error's `details.enqueued` how many, from
   * the first on, are in.
   */
  enqueueMany(requests: readonly EnqueueRequest[]): Promise<void>;
}

import type { JobName, JobPayload } from "./job-types.ts";

export interface EnqueueOptions {
  /** The earliest start, kept to the second. A time in the past means now. */
  runAt?: Date;
  /**
   * 1 to 512 characters, unique per job name. While a job with this key waits (also between its
   * retries), another enqueue with the key is absorbed.
   */
  jobKey?: string;
  /** How many runs the job gets before it is dead: 1 to 32,767. */
  maxAttempts?: number;
}

/** The port that services call to have work done later. */
export interface JobQueue {
  /**
   * Resolves when the job is durably stored.
   *
   * @throws JobsError `jobs.not_configured`, `jobs.unknown_job`, `jobs.invalid_payload`,
   * `jobs.payload_too_large`, `jobs.invalid_options`, `jobs.provider_unavailable` or
   * `jobs.provider_rejected`. Nothing was enqueued then.
   */
  enqueue<N extends JobName>(
    name: N,
    payload: JobPayload<N>,
    options?: EnqueueOptions,
  ): Promise<void>;
}

/** One entry of {@link BulkJobQueue.enqueueMany}: a job's name with a payload of that job. */
export type EnqueueRequest = {
  [N in JobName]: {
    readonly name: N;
    readonly payload: JobPayload<N>;
    readonly options?: EnqueueOptions;
  };
}[JobName];

/** The answer of {@link BulkJobQueue.add}. */
export interface AddedJob {
  /** The `ctx.jobId` of the job's runs. If the job was absorbed, the id of the job that has its key. */
  readonly id: string;
  /** Whether another job had the key, so that this one was not stored. Always `false` without a key. */
  readonly absorbed: boolean;
}

/** A queue that also returns ids and takes many jobs in one call. Every provider has it. */
export interface BulkJobQueue extends JobQueue {
  /**
   * Does the same as {@link JobQueue.enqueue}, and returns the job's id.
   *
   * In a transaction, a provider that stores jobs after the commit checks the key only then: it returns
   * `absorbed: false`, and the id of a job that may still be absorbed.
   */
  add<N extends JobName>(
    name: N,
    payload: JobPayload<N>,
    options?: EnqueueOptions,
  ): Promise<AddedJob>;
  /**
   * Enqueues all jobs or none. Fails as {@link JobQueue.enqueue} does, for the first bad entry. If a
   * provider stores them in parts, the error's `details.enqueued` counts the first ones that it stored.
   */
  enqueueMany(requests: readonly EnqueueRequest[]): Promise<void>;
}

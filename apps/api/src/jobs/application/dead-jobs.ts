import type { JobDefinition } from "./job-definition.ts";
import { UnknownJobError } from "./job-errors.ts";
import { findJob, findRunnable, type JobRegistry } from "./job-registry.ts";

/** A job that gets no further attempt. */
export interface DeadJob {
  /** The job's own id: the same in every run, and after a replay. */
  readonly id: string;
  readonly name: string;
  /** The payload's version. */
  readonly version: number;
  /** The payload as it was enqueued, as JSON text. */
  readonly payload: string;
  /** How many runs began. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly lastError: string;
  /** The last error's stack, if it had one. */
  readonly stack: string | undefined;
  readonly diedAt: Date;
}

/** The last job of a page. The next page continues after it. */
export interface DeadJobsCursor {
  readonly diedAt: Date;
  readonly id: string;
}

/** Lists, replays and removes dead jobs. */
export interface DeadJobs {
  /** Returns at most `limit` jobs after the cursor, the newest first. */
  list(limit: number, after?: DeadJobsCursor): Promise<readonly DeadJob[]>;
  /**
   * Enqueues the job again, under its own id and with all its attempts, and removes the dead job.
   * The job runs at once, whatever its `runAt` was. Does not take its key again. Returns `false` if there is no such dead job.
   *
   * @throws JobsError `jobs.unknown_job` if the registry has no such name or version,
   * `jobs.provider_unavailable`, `jobs.provider_rejected`. The job stays dead then.
   */
  replay(id: string): Promise<boolean>;
  /** Deletes it. Returns `false` if there is no such dead job. */
  remove(id: string): Promise<boolean>;
}

/**
 * Finds the definition that can run a replayed job. Without one the job would wait in the queue for ever.
 *
 * @throws UnknownJobError
 */
export function replayable(
  registry: JobRegistry,
  { name, version }: Pick<DeadJob, "name" | "version">,
): JobDefinition {
  const definition = findRunnable(registry, name, version);
  if (definition) return definition;
  throw new UnknownJobError(name, findJob(registry, name) && version);
}

import type { JobDefinition } from "./job-definition.ts";
import { UnknownJobError } from "./job-errors.ts";
import { findJob, findRunnable, type JobRegistry } from "./job-registry.ts";

/** A job that no further attempt will be made of. */
export interface DeadJob {
  /** The job's own id: the same in every run, and after a replay. */
  readonly id: string;
  readonly name: string;
  /** Of the payload. */
  readonly version: number;
  /** As it was enqueued, as JSON text. */
  readonly payload: string;
  /** How many runs were begun. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly lastError: string;
  /** Of the last error, where it had one. */
  readonly stack: string | undefined;
  readonly diedAt: Date;
}

/** Where a page of dead jobs ends, and the next one goes on. */
export interface DeadJobsCursor {
  readonly diedAt: Date;
  readonly id: string;
}

/** What a person can do with dead jobs. The same for every provider. */
export interface DeadJobs {
  /** The newest first, at most `limit` of them, those after the cursor. */
  list(limit: number, after?: DeadJobsCursor): Promise<readonly DeadJob[]>;
  /**
   * Enqueues the job again, under its own id and with all its attempts, and removes it from the dead.
   * Its key is not taken again. `false` when there is no such dead job.
   *
   * @throws JobsError `jobs.unknown_job` where no such name or version is known,
   * `jobs.provider_unavailable`, `jobs.provider_rejected`; the job is dead still then.
   */
  replay(id: string): Promise<boolean>;
  /** Forgets it; `false` when there is no such dead job. */
  remove(id: string): Promise<boolean>;
}

/**
 * The definition that a replay is for. Without one the job would leave the dead for a queue where
 * nobody may ever run it.
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

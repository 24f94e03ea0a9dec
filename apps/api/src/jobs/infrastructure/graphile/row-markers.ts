import type { JobDefinition } from "../../application/job-definition.ts";

// Texts that mark our facts in graphile-worker's rows. Stored rows contain them, so they never change.
// migrations/0001_initial.sql contains the same texts.

/** `last_error` of a recorded run in progress. Without it, a claimed job may still wait in memory. */
export const RUN_BEGUN = "The run was begun and has not ended yet.";

/** `last_error` of a run that was cut off because its worker stopped. */
export const RUN_CUT_OFF = "The worker stopped before this run ended.";

/** `last_error` of a run that was cut off because its worker died. */
export const WORKER_DIED = "The worker died during this run.";

/** Wraps a scheduled payload: graphile-worker merges `_cron` into it, so it must be an object. */
export const SCHEDULED = "orbit_scheduled";

/** Prefix of the flag that keeps the id of a replayed job. graphile-worker gives the row a new id. */
export const JOB_ID_FLAG = "orbit-id:";

/**
 * The name of a job's task. Each later version is a task of its own, so that workers with older code
 * never claim jobs that only newer code can run.
 */
export function taskName(name: string, version: number): string {
  return version === 1 ? name : `${name}@${version}`;
}

/** The tasks that a definition can run: its own version and all earlier ones, in order. */
export function taskNames({ name, version }: JobDefinition): readonly string[] {
  return Array.from({ length: version }, (_, index) => taskName(name, index + 1));
}

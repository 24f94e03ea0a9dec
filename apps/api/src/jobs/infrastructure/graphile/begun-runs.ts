import type { Job } from "graphile-worker";
import type { SqlExecutor } from "../../application/ports.ts";
import { storableStack, storableText } from "../../application/storable-text.ts";
import { BEGUN, CUT_OFF } from "./marks.ts";

/**
 * Whether a run must be on record before it begins, since nobody could otherwise tell it from a job
 * that was claimed and still waits: the last attempt (a crash must end it), a job with an earlier
 * error (a crash counts only if it ran), a job with a key (from now on the key is free). All others,
 * nearly all, are spared the write.
 */
export function needsRecord(job: Job): boolean {
  return job.attempts >= job.max_attempts || job.last_error !== null || job.key !== null;
}

/**
 * Puts on record that the run begins.
 *
 * @returns whether the job is still ours, and not given to another worker
 */
export async function recordBegin(sql: SqlExecutor, job: Job): Promise<boolean> {
  const { rows } = await sql.query(
    `update graphile_worker._private_jobs set last_error = '${BEGUN}'
      where id = $1::bigint and locked_by = $2::text returning id`,
    [job.id, job.locked_by],
  );
  return rows.length === 1;
}

/**
 * No further attempt will be made of it: keeps it with its error among the dead jobs.
 *
 * @returns `false` if the job is not ours any more, and another worker's by now
 */
export async function buryJob(sql: SqlExecutor, job: Job, error: unknown): Promise<boolean> {
  const { rows } = await sql.query(
    "select where orbit_jobs.bury_job($1::bigint, $2::text, $3::text, $4::text)",
    [job.id, job.locked_by, storableText(error), storableStack(error)],
  );
  return rows.length === 1;
}

/** Gives a job that the stop cut off to whoever wants it, now; its attempt counts. */
export async function giveBack(sql: SqlExecutor, job: Job): Promise<void> {
  await sql.query(
    `with freed as (
       update graphile_worker._private_jobs
          set last_error = $3::text, locked_at = null, locked_by = null, updated_at = now()
        where id = $1::bigint and locked_by = $2::text
       returning 1
     )
     select pg_notify('jobs:insert', '{"count":1}') from freed`,
    [job.id, job.locked_by, CUT_OFF],
  );
}

/**
 * Whether the job may have given its key up to another. What it was claimed with does not say: that
 * happens while it runs.
 */
export function mayHaveCededKey({ key, flags }: Job): boolean {
  return key !== null || flags !== null;
}

/** Takes the key back for a job that is about to wait again, unless another waits with it by now. */
export async function takeKeyBack(sql: SqlExecutor, job: Job): Promise<void> {
  await sql.query("select orbit_jobs.take_key_back($1::bigint)", [job.id]);
}

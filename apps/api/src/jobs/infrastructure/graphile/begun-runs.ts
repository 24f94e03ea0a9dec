import type { Job } from "graphile-worker";
import type { SqlExecutor } from "../../application/ports.ts";
import { BEGUN } from "./migrations.ts";

/**
 * Puts on record that the run begins, where anybody could otherwise not tell it from a job that was
 * claimed and still waits: the last attempt (a crash must end it), a job with an earlier error (a
 * crash counts only if it ran), a job with a key (from now on the key is free). All others, nearly
 * all, are spared the write.
 *
 * @throws Error when the job is no longer ours: it was given to another worker.
 */
export async function recordBegin(sql: SqlExecutor, job: Job): Promise<void> {
  if (job.attempts < job.max_attempts && job.last_error === null && job.key === null) return;
  const { rows } = await sql.query(
    `update graphile_worker._private_jobs set last_error = '${BEGUN}'
      where id = $1::bigint and locked_by = $2::text returning id`,
    [job.id, job.locked_by],
  );
  if (rows.length === 0) throw new Error(`job ${job.id} was given to another worker`);
}

/** Makes the attempt under way the last one. */
export async function giveUpRetries(sql: SqlExecutor, job: Job): Promise<void> {
  await sql.query(
    `update graphile_worker._private_jobs set max_attempts = attempts
      where id = $1::bigint and locked_by = $2::text`,
    [job.id, job.locked_by],
  );
}

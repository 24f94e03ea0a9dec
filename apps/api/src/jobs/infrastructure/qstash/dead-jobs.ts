import type { SqlExecutor } from "../../application/ports.ts";
import { storableText } from "../../application/storable-text.ts";

export interface DeadJob {
  readonly id: string;
  readonly name: string;
  /** JSON. */
  readonly payload: string;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly error: unknown;
}

/** Keeps a job that no further attempt will be made of, for thirty days; QStash keeps no error. */
export async function keepDeadJob(sql: SqlExecutor, job: DeadJob): Promise<void> {
  await sql.query(
    `with expired as (
       delete from orbit_jobs.dead_jobs where id in (
         select id from orbit_jobs.dead_jobs
          where died_at < now() - interval '30 days' and id <> $1 limit 100 for update skip locked))
     insert into orbit_jobs.dead_jobs (id, name, payload, attempts, max_attempts, last_error)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (id) do update set attempts = excluded.attempts, last_error = excluded.last_error,
       died_at = excluded.died_at`,
    [
      job.id,
      job.name,
      job.payload.replaceAll("\0", "\uFFFD"),
      job.attempts,
      job.maxAttempts,
      storableText(job.error),
    ],
  );
}

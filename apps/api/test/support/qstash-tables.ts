import type { Pool } from "pg";
import type { DeadJob } from "#src/jobs/testing/contract-harness.ts";

/** The dead jobs of the qstash provider, the oldest death first. */
export async function qstashDeadJobs(pool: Pool): Promise<readonly DeadJob[]> {
  const { rows } = await pool.query<DeadJob>(
    `select name, attempts, last_error as "lastError" from orbit_jobs.dead_jobs order by died_at`,
  );
  return rows;
}

/** Makes every message record older, as if the time had passed. */
export async function ageQStashRecords(pool: Pool, seconds: number): Promise<void> {
  await pool.query(
    "update orbit_jobs.qstash_messages set touched_at = touched_at - $1::float8 * interval '1 second'",
    [seconds],
  );
}

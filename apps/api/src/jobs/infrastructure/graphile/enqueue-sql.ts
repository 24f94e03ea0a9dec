import { createHash } from "node:crypto";
import type { SqlExecutor } from "../../application/ports.ts";
import type { PreparedJob } from "../../application/prepare-enqueue.ts";
import { taskName } from "./task-name.ts";

/** Stores one job with a single statement, in whatever transaction the executor is. */
export async function insertJob(sql: SqlExecutor, job: PreparedJob): Promise<void> {
  const { definition, json, runAt, maxAttempts, jobKey } = job;
  const values = [
    taskName(definition, definition.version),
    json,
    runAt?.toISOString() ?? null,
    maxAttempts,
    definition.priority ?? 0,
  ];
  if (jobKey === undefined) {
    await sql.query(
      "select from graphile_worker.add_job($1::text, $2::json, run_at := $3::timestamptz, max_attempts := $4::integer, priority := $5::integer)",
      values,
    );
  } else {
    await sql.query(
      "select from orbit_jobs.enqueue_keyed($1::text, $2::json, coalesce($3::timestamptz, now()), $4::integer, $5::integer, $6::text)",
      [...values, storedKey(definition.name, jobKey)],
    );
  }
}

/**
 * Stores many jobs with a single statement: all or none. Columns travel as arrays, payloads as text:
 * inside a JSON document Postgres would decode what it cannot store, U+0000 for one.
 */
export async function insertJobs(sql: SqlExecutor, jobs: readonly PreparedJob[]): Promise<void> {
  await sql.query(
    "select from orbit_jobs.enqueue_many($1::text[], $2::text[], $3::timestamptz[], $4::integer[], $5::integer[], $6::text[])",
    [
      jobs.map(({ definition }) => taskName(definition, definition.version)),
      jobs.map(({ json }) => json),
      jobs.map(({ runAt }) => runAt?.toISOString() ?? null),
      jobs.map(({ maxAttempts }) => maxAttempts),
      jobs.map(({ definition }) => definition.priority ?? 0),
      jobs.map(({ definition, jobKey }) =>
        jobKey === undefined ? null : storedKey(definition.name, jobKey),
      ),
    ],
  );
}

const COLUMN_LIMIT = 512;
const DIGEST_PREFIX = "sha256 ";

/**
 * graphile-worker's keys are unique over all tasks and at most 512 characters long, and Postgres
 * takes neither U+0000 nor half a surrogate pair: what does not fit is represented by its digest.
 */
function storedKey(name: string, jobKey: string): string {
  const plain = `${name} ${jobKey}`;
  const fits = plain.length <= COLUMN_LIMIT && jobKey.isWellFormed() && !jobKey.includes("\0");
  if (fits && !jobKey.startsWith(DIGEST_PREFIX)) return plain;
  const digest = createHash("sha256").update(JSON.stringify(jobKey)).digest("hex");
  return `${name} ${DIGEST_PREFIX}${digest}`;
}

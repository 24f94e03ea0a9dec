import { createHash } from "node:crypto";
import type { SqlExecutor } from "../../application/ports.ts";
import type { PreparedJob } from "../../application/prepare-enqueue.ts";

/** Stores one job with a single statement, in whatever transaction the executor is. */
export async function insertJob(sql: SqlExecutor, job: PreparedJob): Promise<void> {
  const values = [job.definition.name, job.json, job.runAt?.toISOString() ?? null, job.maxAttempts];
  if (job.jobKey === undefined) {
    await sql.query(
      "select from graphile_worker.add_job($1::text, $2::json, run_at := $3::timestamptz, max_attempts := $4::integer)",
      values,
    );
  } else {
    await sql.query(
      "select from orbit_jobs.enqueue_keyed($1::text, $2::json, coalesce($3::timestamptz, now()), $4::integer, $5::text)",
      [...values, storedKey(job.definition.name, job.jobKey)],
    );
  }
}

/** Stores many jobs with a single statement: all or none. */
export async function insertJobs(sql: SqlExecutor, jobs: readonly PreparedJob[]): Promise<void> {
  const specs = jobs.map((job) => {
    const key =
      job.jobKey === undefined
        ? ""
        : `,"job_key":${JSON.stringify(storedKey(job.definition.name, job.jobKey))}`;
    const runAt = job.runAt ? `,"run_at":${JSON.stringify(job.runAt.toISOString())}` : "";
    // Put together as text because the payload is JSON text already.
    return `{"identifier":${JSON.stringify(job.definition.name)},"payload":${job.json},"max_attempts":${job.maxAttempts}${runAt}${key}}`;
  });
  const list = `[${specs.join(",")}]`;
  if (jobs.every(({ jobKey }) => jobKey === undefined)) {
    await sql.query(
      "select count(*) from graphile_worker.add_jobs(array(select json_populate_recordset(null::graphile_worker.job_spec, $1::json)))",
      [list],
    );
  } else {
    await sql.query("select from orbit_jobs.enqueue_many($1::json)", [list]);
  }
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

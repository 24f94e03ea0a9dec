import { createHash } from "node:crypto";
import { z } from "zod";
import { TransactionEndedError } from "../../application/job-errors.ts";
import type { TransactionJobs } from "../../application/job-provider.ts";
import type { AddedJob, BulkJobQueue } from "../../application/job-queue.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { SqlExecutor } from "../../application/ports.ts";
import { checkedQueue, type PreparedJob } from "../../application/prepare-enqueue.ts";
import { nullableTexts, optionalTexts } from "../sql/portable-values.ts";
import { enqueueError } from "../sql/postgres-errors.ts";
import { type EncodingCheck, storableForm } from "../sql/text-encoding.ts";
import { taskName } from "./row-markers.ts";

/** Stores jobs with the statements of `sql`. */
export function graphileQueue(
  registry: JobRegistry,
  maxPayloadBytes: number,
  sql: SqlExecutor,
  isUtf8: EncodingCheck,
): BulkJobQueue {
  return checkedQueue(registry, maxPayloadBytes, (jobs) => storeJobs(sql, isUtf8, jobs));
}

/** Stores jobs on a transaction's own connection. They commit and roll back with it. */
export function graphileTransactionJobs(
  registry: JobRegistry,
  maxPayloadBytes: number,
  sql: SqlExecutor,
  isUtf8: EncodingCheck,
): TransactionJobs {
  let hasEnded = false;
  const queue = checkedQueue(registry, maxPayloadBytes, async (jobs) => {
    if (hasEnded) throw new TransactionEndedError();
    return storeJobs(sql, isUtf8, jobs);
  });
  return {
    ...queue,
    ended() {
      hasEnded = true;
    },
    // The commit itself stored the jobs.
    committed: async () => undefined,
  };
}

/** Stores all jobs or none, with one statement. Answers for a single job only. */
async function storeJobs(
  sql: SqlExecutor,
  isUtf8: EncodingCheck,
  prepared: readonly PreparedJob[],
): Promise<readonly AddedJob[]> {
  try {
    const texts = prepared.flatMap(({ json, jobKey = "" }) => [json, jobKey]);
    const form = await storableForm(sql, isUtf8, texts);
    const jobs = prepared.map((job) => ({
      ...job,
      json: form(job.json),
      jobKey: job.jobKey === undefined ? undefined : storedKey(job.name, job.jobKey, form),
    }));
    const [only, ...others] = jobs;
    if (only && others.length === 0) return await insertJob(sql, only);
    await insertJobs(sql, jobs);
    return [];
  } catch (cause) {
    throw enqueueError("graphile", prepared, cause);
  }
}

const answer = z.array(z.object({ id: z.string(), absorbed: z.boolean() }));

/** Its key is a stored one. */
async function insertJob(sql: SqlExecutor, job: PreparedJob): Promise<readonly AddedJob[]> {
  const { name, version, json, runAt, maxAttempts, priority, jobKey } = job;
  const values = [
    taskName(name, version),
    json,
    runAt?.toISOString() ?? null,
    maxAttempts,
    priority,
  ];
  const { rows } = await (jobKey === undefined
    ? sql.query(
        "select id::text, false as absorbed from graphile_worker.add_job($1::text, $2::json, run_at := $3::timestamptz, max_attempts := $4::integer, priority := $5::integer)",
        values,
      )
    : sql.query(
        "select id, absorbed from orbit_jobs.add_keyed($1::text, $2::json, coalesce($3::timestamptz, now()), $4::integer, $5::integer, $6::text)",
        [...values, jobKey],
      ));
  return answer.parse(rows);
}

/**
 * Columns travel as arrays and payloads as text. In one JSON document, Postgres would decode characters
 * that it cannot store, such as U+0000.
 */
async function insertJobs(sql: SqlExecutor, jobs: readonly PreparedJob[]): Promise<void> {
  await sql.query(
    `select from orbit_jobs.enqueue_many($1::text[], $2::text[], ${nullableTexts("$3", "timestamptz")},
       $4::integer[], $5::integer[], ${nullableTexts("$6", "text")})`,
    [
      jobs.map(({ name, version }) => taskName(name, version)),
      jobs.map(({ json }) => json),
      optionalTexts(jobs.map(({ runAt }) => runAt?.toISOString())),
      jobs.map(({ maxAttempts }) => maxAttempts),
      jobs.map(({ priority }) => priority),
      optionalTexts(jobs.map(({ jobKey }) => jobKey)),
    ],
  );
}

const COLUMN_LIMIT = 512;
const DIGEST_PREFIX = "sha256 ";

/**
 * graphile-worker's keys are unique over all tasks and have at most 512 characters. Postgres stores neither
 * U+0000 nor lone surrogates, nor what its encoding lacks. Keys that do not fit are stored as their digest.
 */
function storedKey(name: string, jobKey: string, form: (text: string) => string): string {
  const plain = `${name} ${jobKey}`;
  const isText = jobKey.isWellFormed() && !jobKey.includes("\0") && form(jobKey) === jobKey;
  const fits = plain.length <= COLUMN_LIMIT && isText;
  if (fits && !jobKey.startsWith(DIGEST_PREFIX)) return plain;
  const digest = createHash("sha256").update(JSON.stringify(jobKey)).digest("hex");
  return `${name} ${DIGEST_PREFIX}${digest}`;
}

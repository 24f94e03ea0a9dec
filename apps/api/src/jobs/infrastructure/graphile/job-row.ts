import { setTimeout as delay } from "node:timers/promises";
import type { Job, Task, TaskList } from "graphile-worker";
import type { JobDefinition } from "../../application/job-definition.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger, SqlExecutor } from "../../application/ports.ts";
import { runJob } from "../../application/run-job.ts";
import { isRefusedData } from "../sql/postgres-errors.ts";
import { type EncodingCheck, isAscii, writeTexts } from "../sql/text-encoding.ts";
import { neverSettle } from "./graphile-worker-workarounds.ts";
import { type InFlightRuns, yieldBetweenRuns } from "./in-flight-runs.ts";
import { JOB_ID_FLAG, payloadOf, RUN_BEGUN, RUN_CUT_OFF, taskNames } from "./row-markers.ts";

// A job row from claim to settlement. graphile-worker claims the row and calls the task below.
//
//   claimed ──> begin recorded ──> runs ──┬─ succeeded ───────────────> graphile-worker deletes the row
//      └──── (most jobs skip this) ──┘    ├─ dead ────────────────────> moved to orbit_jobs.dead_jobs
//                                         ├─ failed ──────────────────> waits with back-off, key taken back
//                                         └─ failed, worker stopping ─> given back at once, key taken back
//
// If the worker has lost the row, or the database is lost at one of these writes, the task never settles:
// graphile-worker then writes nothing, and the worker's session or another worker frees the row. If the
// database refuses the data of a write, this job's attempt fails. All other jobs go on.

export interface TaskOptions {
  readonly sql: SqlExecutor;
  readonly isUtf8: EncodingCheck;
  readonly log: JobLogger;
  readonly runs: InFlightRuns;
  /** Ends the worker session, which gives its jobs back. Called when the database is lost at a write. */
  readonly onBroken: (cause: unknown) => void;
}

/** The registry as tasks of graphile-worker. */
export function taskList(registry: JobRegistry, options: TaskOptions): TaskList {
  return Object.fromEntries(
    yieldBetweenRuns(registry).flatMap((definition) =>
      taskNames(definition).map((name, index) => [name, taskOf(definition, index + 1, options)]),
    ),
  );
}

function taskOf(
  definition: JobDefinition,
  version: number,
  { sql, isUtf8, log, runs, onBroken }: TaskOptions,
): Task {
  /** Trouble with the database is never a failed attempt of the job, but data that it refuses is. */
  const write = <T>(statement: (sql: SqlExecutor, job: Job) => Promise<T>, job: Job) =>
    withRetry(() => statement(sql, job)).catch((cause: unknown) => {
      if (isRefusedData(cause)) throw cause;
      onBroken(cause);
      return neverSettle<T>();
    });

  /** Unlike other writes, this one settles after a failure, so that its run ends. */
  const begin = (job: Job) =>
    withRetry(() => recordBegin(sql, job)).catch((cause: unknown) => {
      onBroken(cause);
      return false;
    });

  return async (_payload, { job }) => {
    const outcome = await runs.track(async (signal) => {
      if (needsRecord(job) && (signal.aborted || !(await begin(job)))) return undefined;
      return runJob(definition, {
        jobId: jobIdOf(job),
        attempt: job.attempts,
        maxAttempts: job.max_attempts,
        payload: payloadOf(job),
        version,
        signal,
        log,
      });
    });
    if (outcome === undefined || runs.disowned) return neverSettle();
    if (outcome.status === "succeeded") return undefined;
    try {
      if (outcome.status === "dead") {
        const isBuried = await write((executor) => buryJob(executor, job, outcome.error), job);
        // graphile-worker treats the buried job as done, and finds no row to delete.
        return isBuried ? undefined : await neverSettle();
      }
      if (mayHaveCededKey(job)) await write(takeKeyBack, job);
      // Afterwards graphile-worker finds no locked row to fail, so it writes no back-off.
      if (runs.aborted) await write(giveBack, job);
    } catch (err) {
      log.error({ err, job: definition.name, jobId: jobIdOf(job) }, "end of run not stored");
    }
    const { message } = outcome.error;
    // graphile-worker stores the message, together with those of other jobs.
    throw new Error(await write((executor) => storedMessage(executor, isUtf8, message), job), {
      cause: outcome.error,
    });
  };
}

/** The message in a form that the database can store. */
async function storedMessage(
  sql: SqlExecutor,
  isUtf8: EncodingCheck,
  message: string,
): Promise<string> {
  if (isAscii(message) || (await isUtf8(sql))) return message;
  return writeTexts(async (form) => {
    await sql.query("select $1::text", [form(message)]);
    return form(message);
  });
}

/**
 * Whether the begin of the run must be recorded. Without a record, a run that a crash cut off looks like
 * a claimed job that never began. That matters for three kinds of jobs: the last attempt (a crash ends the
 * job), a job with an earlier error (a crash counts only if the run began), and a job with a key (a begun
 * run frees it). Nearly all other jobs save this write.
 */
function needsRecord(job: Job): boolean {
  return job.attempts >= job.max_attempts || job.last_error !== null || job.key !== null;
}

/** Records that the run begins. Returns `false` if the worker has lost the job. */
async function recordBegin(sql: SqlExecutor, job: Job): Promise<boolean> {
  const { rows } = await sql.query(
    `update graphile_worker._private_jobs set last_error = '${RUN_BEGUN}'
      where id = $1::bigint and locked_by = $2::text returning id`,
    [job.id, job.locked_by],
  );
  return rows.length === 1;
}

/** Moves the job and its error to the dead jobs. Returns `false` if the worker has lost the job. */
async function buryJob(sql: SqlExecutor, job: Job, error: Error): Promise<boolean> {
  const { message, stack } = error;
  const { rows } = await writeTexts((form) =>
    sql.query("select where orbit_jobs.bury_job($1::bigint, $2::text, $3::text, $4::text)", [
      job.id,
      job.locked_by,
      form(message),
      stack === undefined ? stack : form(stack),
    ]),
  );
  return rows.length === 1;
}

/** Frees a job that the stop of its worker cut off. It may run again at once. Its attempt counts. */
async function giveBack(sql: SqlExecutor, job: Job): Promise<void> {
  await sql.query(
    `with freed as (
       update graphile_worker._private_jobs
          set last_error = $3::text, locked_at = null, locked_by = null, updated_at = now()
        where id = $1::bigint and locked_by = $2::text
       returning 1
     )
     select pg_notify('jobs:insert', '{"count":1}') from freed`,
    [job.id, job.locked_by, RUN_CUT_OFF],
  );
}

/**
 * Whether another enqueue may have taken the job's key. A job that ceded its key earlier has a flag, and
 * a job that was claimed with a key may cede it while it runs.
 */
function mayHaveCededKey({ key, flags }: Job): boolean {
  return key !== null || flags !== null;
}

/** Takes the key back before the job waits again, unless another job waits with it. */
async function takeKeyBack(sql: SqlExecutor, job: Job): Promise<void> {
  await sql.query("select orbit_jobs.take_key_back($1::bigint)", [job.id]);
}

const RETRY_PAUSES_MS = [50, 500];

/**
 * Retries a statement after every error but that of refused data. p-retry does not fit: it would be a
 * further dependency for ten lines, and it gives up at once on a TypeError.
 */
async function withRetry<T>(work: () => Promise<T>): Promise<T> {
  for (const pause of RETRY_PAUSES_MS) {
    try {
      return await work();
    } catch (error) {
      if (isRefusedData(error)) throw error;
      await delay(pause);
    }
  }
  return work();
}

/** The job's own id: the id of its first row, if it was replayed. */
function jobIdOf({ id, flags }: Job): string {
  const flag = Object.keys(flags ?? {}).find((name) => name.startsWith(JOB_ID_FLAG));
  return flag?.slice(JOB_ID_FLAG.length) ?? id;
}

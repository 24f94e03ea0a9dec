import { setTimeout as delay } from "node:timers/promises";
import type { Job, Task, TaskList } from "graphile-worker";
import type { JobDefinition } from "../../application/job-definition.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger, SqlExecutor } from "../../application/ports.ts";
import { runJob } from "../../application/run-job.ts";
import { storableText } from "../../application/storable-text.ts";
import {
  buryJob,
  giveBack,
  mayHaveCededKey,
  needsRecord,
  recordBegin,
  takeKeyBack,
} from "./begun-runs.ts";
import { inTurns } from "./turns.ts";
import { jobId, payloadOf } from "./stored-job.ts";
import { taskNames } from "./task-name.ts";
import type { RunsUnderWay } from "./runs-under-way.ts";

export interface TaskOptions {
  readonly sql: SqlExecutor;
  readonly log: JobLogger;
  readonly runs: RunsUnderWay;
  /** Our bookkeeping failed: the worker cannot go on with what it knows. */
  readonly onBroken: (cause: unknown) => void;
}

/** The registry as graphile-worker's tasks: success resolves, failure throws. */
export function taskList(registry: JobRegistry, options: TaskOptions): TaskList {
  return Object.fromEntries(
    inTurns(registry).flatMap((definition) =>
      taskNames(definition).map((name, index) => [name, taskOf(definition, index + 1, options)]),
    ),
  );
}

function taskOf(
  definition: JobDefinition,
  version: number,
  { sql, log, runs, onBroken }: TaskOptions,
): Task {
  /** What does not succeed ends the session, which gives the job back; it is no failed attempt. */
  const write = <T>(statement: (sql: SqlExecutor, job: Job) => Promise<T>, job: Job) =>
    withRetry(() => statement(sql, job)).catch((cause: unknown) => {
      onBroken(cause);
      return untold<T>();
    });

  /** Part of the run, so that who stops waits for it. */
  const begins = (job: Job) =>
    withRetry(() => recordBegin(sql, job)).catch((cause: unknown) => {
      onBroken(cause);
      return false;
    });

  return async (_payload, { job }) => {
    const outcome = await runs.track(async (signal) => {
      if (needsRecord(job) && (signal.aborted || !(await begins(job)))) return undefined;
      return runJob(definition, {
        jobId: jobId(job),
        attempt: job.attempts,
        maxAttempts: job.max_attempts,
        payload: payloadOf(job),
        version,
        signal,
        log,
      });
    });
    // graphile-worker completes jobs without asking whose they are; told nothing, it does nothing.
    if (outcome === undefined || runs.disowned) return untold();
    if (outcome.status === "succeeded") return undefined;
    if (outcome.status === "dead") {
      const isBuried = await write((executor) => buryJob(executor, job, outcome.error), job);
      // For graphile-worker it is done: it finds nothing to be completed.
      return isBuried ? undefined : untold();
    }
    if (mayHaveCededKey(job)) await write(takeKeyBack, job);
    // It is no failure of the job that its worker stops: graphile-worker finds nothing to be failed.
    if (runs.aborted) await write(giveBack, job);
    // A message that Postgres cannot store would break the worker.
    throw new Error(storableText(outcome.error), { cause: outcome.error });
  };
}

/** What graphile-worker waits for when it shall neither complete nor fail a job. */
function untold<T>(): Promise<T> {
  return new Promise(() => undefined);
}

const RETRY_DELAYS_MS = [50, 500];

async function withRetry<T>(work: () => Promise<T>): Promise<T> {
  for (const pause of RETRY_DELAYS_MS) {
    try {
      return await work();
    } catch {
      await delay(pause);
    }
  }
  return work();
}

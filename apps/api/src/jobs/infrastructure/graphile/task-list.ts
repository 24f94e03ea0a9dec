import { setImmediate, setTimeout as delay } from "node:timers/promises";
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
import { jobId, payloadOf } from "./stored-job.ts";
import { taskNames } from "./task-name.ts";
import type { RunsUnderWay } from "./runs-under-way.ts";

const TURN_MS = 100;

export interface TaskOptions {
  readonly sql: SqlExecutor;
  readonly log: JobLogger;
  readonly runs: RunsUnderWay;
  /** Our bookkeeping failed: the worker cannot go on with what it knows. */
  readonly onBroken: (cause: unknown) => void;
}

/** The registry as graphile-worker's tasks: success resolves, failure throws. */
export function taskList(registry: JobRegistry, options: TaskOptions): TaskList {
  const takeTurn = createTurns();
  return Object.fromEntries(
    registry.flatMap((definition) =>
      taskNames(definition).map((name, index) => [
        name,
        taskOf(definition, index + 1, { ...options, takeTurn }),
      ]),
    ),
  );
}

function taskOf(
  definition: JobDefinition,
  version: number,
  { sql, log, runs, onBroken, takeTurn }: TaskOptions & { takeTurn(): Promise<void> },
): Task {
  /** What does not succeed ends the session, which gives the job back; it is no failed attempt. */
  const write = <T>(statement: (sql: SqlExecutor, job: Job) => Promise<T>, job: Job) =>
    withRetry(() => statement(sql, job)).catch((cause: unknown) => {
      onBroken(cause);
      return untold<T>();
    });

  return async (_payload, { job }) => {
    await takeTurn();
    if (needsRecord(job) && !(await write(recordBegin, job))) return untold();
    const outcome = await runs.track((signal) =>
      runJob(definition, {
        jobId: jobId(job),
        attempt: job.attempts,
        maxAttempts: job.max_attempts,
        payload: payloadOf(job),
        version,
        signal,
        log,
      }),
    );
    // graphile-worker completes jobs without asking whose they are; told nothing, it does nothing.
    if (runs.disowned) return untold();
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

/**
 * Handlers that compute and never wait would follow each other, hundreds of them, without a turn of the event
 * loop: no heartbeat, no completion and no request would get through.
 */
function createTurns(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < TURN_MS) return;
    await setImmediate();
    last = performance.now();
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

import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { Logger, type Runner, run, type WorkerEvents } from "graphile-worker";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger } from "../../application/ports.ts";
import { within } from "../../application/within.ts";
import { orderClaims } from "./claim-order.ts";
import { takeClaimedJobs } from "./claimed-jobs.ts";
import { cronItems } from "./cron-items.ts";
import { forgetOtherSchedules } from "./known-schedules.ts";
import { CUT_OFF } from "./marks.ts";
import { migrateGraphile } from "./migrate.ts";
import { mayHaveBeenDone } from "./postgres-errors.ts";
import { createRecovery, type Recovery } from "./recovery.ts";
import { createRunsUnderWay } from "./runs-under-way.ts";
import { assertSessionsLast } from "./session-check.ts";
import { shutdownPlugin } from "./shutdown-plugin.ts";
import { taskList } from "./task-list.ts";
import { openConnections, STEP_TIMEOUT_MS } from "./worker-connections.ts";
import { takeLease, type WorkerLease } from "./worker-lease.ts";
import { workerPreset } from "./worker-preset.ts";

/** What an aborted handler gets to come to its end before its job is given away. */
const UNWIND_MS = 500;

/** For each step of closing when the database is in trouble: whoever waits comes back late. */
const BROKEN_STEP_MS = 1_000;

export interface WorkerSessionOptions {
  readonly connectionString: string;
  readonly concurrency: number;
  readonly registry: JobRegistry;
  readonly log: JobLogger;
  /** Aborts when the session is not wanted any more while it is being opened. */
  readonly signal: AbortSignal;
}

/** One life of a worker, from its connections to their end. A database restart ends it. */
export interface WorkerSession {
  /** Resolves with the cause when the session cannot go on; it must still be closed. */
  readonly broken: Promise<unknown>;
  /** Never rejects: what cannot be freed now is freed by other workers. */
  close(graceMs: number): Promise<void>;
}

/** Rejects when it cannot work, with nothing left open. */
export async function openWorkerSession(options: WorkerSessionOptions): Promise<WorkerSession> {
  const { concurrency, registry, log, signal } = options;
  const broken = Promise.withResolvers<unknown>();
  const runs = createRunsUnderWay();
  const leaseLost = Promise.withResolvers<void>();
  const onLost = (cause: unknown) => {
    leaseLost.resolve();
    broken.resolve(cause);
  };
  const { pool, client, end } = openConnections({ ...options, onLost });
  let lease: WorkerLease | undefined;
  let recovery: Recovery | undefined;
  let runner: Runner | undefined;
  let claimed: readonly string[] = [];
  let stepMs = STEP_TIMEOUT_MS;
  void broken.promise.then(() => (stepMs = BROKEN_STEP_MS));

  const close = async (graceMs: number) => {
    void recovery?.stop();
    const stopped = runner?.stop().catch(() => undefined) ?? Promise.resolve();
    // Without the lease others may have the jobs: there is no grace any more.
    await within(graceMs, Promise.race([runs.idle(), leaseLost.promise]), gaveUp);
    runs.abort();
    const allEnded = await within(
      UNWIND_MS,
      runs.idle().then(() => true),
      gaveUp,
    );
    // What has ended is still being written down, where there is a database.
    if (allEnded) await within(graceMs > 0 ? stepMs : UNWIND_MS, stopped, gaveUp);
    runs.disown();
    const released = lease?.release(CUT_OFF, claimed) ?? Promise.resolve();
    await within(stepMs, released, gaveUp).catch((err: unknown) =>
      log.warn({ err }, "jobs under way are left to other workers"),
    );
    await end(stepMs);
  };

  try {
    await client.connect();
    const notifier = await pool.connect();
    await assertSessionsLast(client, notifier).finally(() => notifier.release());
    await migrateGraphile(pool);
    const schedules = cronItems(registry);
    await forgetOtherSchedules(pool, schedules);

    // Before the first claim: whoever dies from here on is missed.
    const workerId = `orbit-${randomUUID()}`;
    lease = await takeLease({ client, workerId, onLost });
    recovery = createRecovery({ pool, workerId, registry, log });
    recovery.start();
    const events: WorkerEvents = new EventEmitter();
    claimed = takeClaimedJobs(events);
    orderClaims(events);
    // Emitted before the pool claims anything, and read anew for every claim.
    events.once("pool:create", ({ workerPool }) => {
      workerPool.id = workerId;
    });
    events.on("pool:fatalError", ({ error }) => broken.resolve(error));
    signal.throwIfAborted();
    runner = await run({
      pgPool: pool,
      events,
      logger: graphileLogger(log, broken.resolve),
      noHandleSignals: true,
      taskList: taskList(registry, { sql: pool, log, runs, onBroken: broken.resolve }),
      parsedCronItems: schedules,
      preset: { plugins: [shutdownPlugin(log)], worker: workerPreset(concurrency) },
    });
    runner.promise.then(() => broken.resolve(new Error("graphile-worker ended")), broken.resolve);
    return { broken: broken.promise, close };
  } catch (error) {
    await close(0);
    throw error;
  }
}

/**
 * Failed jobs are reported by `runJob`, and graphile-worker's own report of one has its payload in
 * it: of its troubles only the message and the error go on.
 */
function graphileLogger(log: JobLogger, onClaimLost: (cause: unknown) => void): Logger {
  return new Logger((scope) => (level, message, meta) => {
    if (meta && "failure" in meta) return;
    const { workerId } = scope;
    const error: unknown = meta?.["error"];
    if (message.startsWith(CLAIM_FAILED) && mayHaveBeenDone(error)) onClaimLost(error);
    if (level === "error" || level === "warning") log.warn({ workerId, err: error }, message);
    else log.debug({ workerId }, message);
  });
}

/**
 * What it claimed without knowing it would stay locked by a worker that lives. graphile-worker 0.18 has no
 * event for that, only this line in its log.
 */
const CLAIM_FAILED = "Error occurred fetching jobs";

const gaveUp = () => false;

import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { type Runner, run, type WorkerEvents } from "graphile-worker";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger } from "../../application/ports.ts";
import { withTimeout } from "../common/with-timeout.ts";
import { deleteStaleCrontabs } from "./cron-items.ts";
import { GRAPHILE_OBJECTS, migrateGraphile } from "./graphile-migrations.ts";
import {
  catchShutdownErrors,
  graphileLogger,
  sortClaimedJobs,
  takeClaimedJobs,
} from "./graphile-worker-workarounds.ts";
import { createInFlightRuns } from "./in-flight-runs.ts";
import { taskList } from "./job-row.ts";
import { createSchedules, type Schedules } from "./missed-ticks.ts";
import { createRecovery, type Recovery } from "./recovery.ts";
import { RUN_CUT_OFF } from "./row-markers.ts";
import { migrateWithRights } from "../sql/role-rights.ts";
import { createEncodingCheck } from "../sql/text-encoding.ts";
import { assertSessionsLast, createConnections, STEP_TIMEOUT_MS } from "./worker-connections.ts";
import { takeLease, type WorkerLease } from "./worker-lease.ts";

/** How long aborted handlers may take to end before their jobs are freed. */
const UNWIND_MS = 500;

/** For each step of closing a broken session. A long wait would delay the reconnect. */
const BROKEN_STEP_MS = 1_000;

export interface WorkerSessionOptions {
  readonly connectionString: string;
  readonly concurrency: number;
  readonly registry: JobRegistry;
  readonly log: JobLogger;
  /** Aborts the opening of the session. */
  readonly signal: AbortSignal;
}

/** A worker from connect to close. A database restart breaks its session. */
export interface WorkerSession {
  /** Resolves with the cause when the session cannot go on. It must still be closed. */
  readonly broken: Promise<unknown>;
  /** Never rejects. Other workers recover the jobs that it cannot free. */
  close(graceMs: number): Promise<void>;
}

/** Connects, takes a lease and starts to work. If it rejects, nothing is left open. */
export async function openWorkerSession(options: WorkerSessionOptions): Promise<WorkerSession> {
  const { concurrency, registry, log, signal } = options;
  const broken = Promise.withResolvers<unknown>();
  const leaseLost = Promise.withResolvers<void>();
  const onLost = (cause: unknown) => {
    leaseLost.resolve();
    broken.resolve(cause);
  };
  const { pool, client, end } = createConnections({ ...options, onLost });
  const runs = createInFlightRuns();
  let lease: WorkerLease | undefined;
  let recovery: Recovery | undefined;
  let schedules: Schedules | undefined;
  let runner: Runner | undefined;
  let claimed: readonly string[] = [];
  let stepMs = STEP_TIMEOUT_MS;
  void broken.promise.then(() => (stepMs = BROKEN_STEP_MS));

  const close = async (graceMs: number) => {
    void recovery?.stop();
    schedules?.stop();
    const stopped = runner?.stop().catch(() => undefined) ?? Promise.resolve();
    // Without the lease, other workers may take the jobs, so the grace ends.
    await withTimeout(graceMs, Promise.race([runs.idle(), leaseLost.promise]), onTimeout);
    runs.abort();
    const allEnded = await withTimeout(
      UNWIND_MS,
      runs.idle().then(() => true),
      onTimeout,
    );
    // graphile-worker may still be writing the results of ended runs.
    if (allEnded) await withTimeout(graceMs > 0 ? stepMs : UNWIND_MS, stopped, onTimeout);
    runs.disown();
    const released = lease?.release(RUN_CUT_OFF, claimed) ?? Promise.resolve();
    await withTimeout(stepMs, released, onTimeout).catch((err: unknown) =>
      log.warn({ err }, "jobs not released, other workers will recover them"),
    );
    await end(stepMs);
  };

  try {
    await client.connect();
    const notifier = await pool.connect();
    await assertSessionsLast(client, notifier).finally(() => notifier.release());
    const used = { ...GRAPHILE_OBJECTS, tables: [] };
    await migrateWithRights(pool, used, () => migrateGraphile(pool));
    await deleteStaleCrontabs(pool, registry);
    const isUtf8 = createEncodingCheck();

    // Before the first claim, so that other workers notice a death at any later moment.
    const workerId = `orbit-${randomUUID()}`;
    lease = await takeLease({ client, workerId, onLost });
    recovery = createRecovery({ pool, workerId, registry, log });
    recovery.start();
    const events: WorkerEvents = new EventEmitter();
    claimed = takeClaimedJobs(events);
    sortClaimedJobs(events);
    // The event comes before the first claim, and every claim reads the current id.
    events.once("pool:create", ({ workerPool }) => {
      workerPool.id = workerId;
    });
    events.on("pool:fatalError", ({ error }) => broken.resolve(error));
    schedules = createSchedules({ registry, sql: pool, isUtf8, log, events });
    signal.throwIfAborted();
    runner = await run({
      pgPool: pool,
      events,
      logger: graphileLogger(log, broken.resolve),
      noHandleSignals: true,
      taskList: taskList(registry, { sql: pool, isUtf8, log, runs, onBroken: broken.resolve }),
      parsedCronItems: schedules.items,
      preset: { plugins: [catchShutdownErrors(log)], worker: workerPreset(concurrency) },
    });
    runner.promise.then(() => broken.resolve(new Error("graphile-worker ended")), broken.resolve);
    return { broken: broken.promise, close };
  } catch (error) {
    await close(0);
    throw error;
  }
}

/**
 * The local queue and the batches make graphile-worker many times faster. The queue is short-lived, so
 * that one worker does not hold jobs that others could run.
 */
export function workerPreset(concurrency: number): Partial<GraphileConfig.WorkerOptions> {
  return {
    concurrentJobs: concurrency,
    localQueue: { size: Math.min(concurrency * 100, 500), ttl: 1_000 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  };
}

const onTimeout = () => false;

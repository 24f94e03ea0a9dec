import { EventEmitter } from "node:events";
import { Logger, run, type WorkerEvents } from "graphile-worker";
import { Client, Pool } from "pg";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger } from "../../application/ports.ts";
import { cronItems } from "./cron-items.ts";
import { migrateGraphile } from "./migrate.ts";
import { assertSessionsLast } from "./session-check.ts";
import { taskList } from "./task-list.ts";
import { takeLease } from "./worker-lease.ts";
import { workerPreset } from "./worker-preset.ts";

/** What an aborted handler gets to come to its end before its job is given away. */
const UNWIND_MS = 500;

/** No single step of opening or closing may take longer. */
const STEP_TIMEOUT_MS = 5_000;

export interface WorkerSessionOptions {
  readonly connectionString: string;
  readonly concurrency: number;
  readonly registry: JobRegistry;
  readonly log: JobLogger;
}

/** One life of a worker, from its connections to their end. A database restart ends it. */
export interface WorkerSession {
  /** Resolves with the cause when the session cannot go on; it must still be closed. */
  readonly broken: Promise<unknown>;
  /** Never rejects: what cannot be freed now is freed by other workers. */
  close(graceMs: number): Promise<void>;
}

export async function openWorkerSession(options: WorkerSessionOptions): Promise<WorkerSession> {
  const { connectionString, concurrency, registry, log } = options;
  const broken = Promise.withResolvers<unknown>();
  const handlers = new AbortController();
  let disowned = false;

  const connection = {
    connectionString,
    connectionTimeoutMillis: STEP_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    application_name: "orbit-jobs",
  };
  const pool = new Pool({ ...connection, max: Math.min(concurrency, 8) + 2 });
  const onConnectionError = (err: unknown) => log.warn({ err }, "a database connection broke");
  pool.on("error", onConnectionError);
  pool.on("connect", (connected) => connected.on("error", onConnectionError));
  const client = new Client({ ...connection, query_timeout: STEP_TIMEOUT_MS });
  client.on("error", broken.resolve);
  client.on("end", () => broken.resolve(new Error("the connection of the worker's lease ended")));

  const closeConnections = async () => {
    await within(STEP_TIMEOUT_MS, Promise.allSettled([pool.end(), client.end()]));
  };

  try {
    await client.connect();
    const notifier = await pool.connect();
    await assertSessionsLast(client, notifier).finally(() => notifier.release());
    await migrateGraphile(pool);

    const events: WorkerEvents = new EventEmitter();
    const workerId = new Promise<string>((resolve) => {
      events.once("pool:create", ({ workerPool }) => resolve(workerPool.id));
    });
    events.on("pool:fatalError", ({ error }) => broken.resolve(error));

    const runner = await run({
      pgPool: pool,
      events,
      logger: graphileLogger(log),
      noHandleSignals: true,
      taskList: taskList(registry, {
        sql: pool,
        log,
        signal: handlers.signal,
        isDisowned: () => disowned,
      }),
      parsedCronItems: cronItems(registry),
      preset: { worker: workerPreset(concurrency) },
    });
    runner.promise.then(() => broken.resolve(new Error("graphile-worker ended")), broken.resolve);
    const lease = await takeLease({
      client,
      workerId: await workerId,
      registry,
      log,
      onLost: broken.resolve,
    });

    return {
      broken: broken.promise,
      async close(graceMs) {
        const finished = runner.stop().then(
          () => true,
          () => true,
        );
        const inTime = await within(graceMs, finished);
        if (!inTime) {
          handlers.abort(new DOMException("The worker is stopping.", "AbortError"));
          await within(UNWIND_MS, finished);
        }
        disowned = true;
        await within(
          STEP_TIMEOUT_MS,
          lease.release("The worker stopped before this run ended."),
        ).catch((err: unknown) => log.warn({ err }, "jobs under way are left to other workers"));
        lease.abandon();
        await closeConnections();
      },
    };
  } catch (error) {
    await closeConnections();
    throw error;
  }
}

/** graphile-worker reports what `runJob` reports better, so all but its troubles is for debugging. */
function graphileLogger(log: JobLogger): Logger {
  return new Logger((scope) => (level, message, meta) => {
    if (level === "error" || level === "warning") log.warn({ ...scope, ...meta }, message);
    else log.debug({ ...scope }, message);
  });
}

/** `undefined` when the time was up first. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  return Promise.race([promise, timeUp]).finally(() => clearTimeout(timer));
}

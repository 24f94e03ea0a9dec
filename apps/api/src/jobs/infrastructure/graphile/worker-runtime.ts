import { setTimeout as delay } from "node:timers/promises";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { ObservableJobRuntime } from "../../application/job-runtime.ts";
import type { JobLogger } from "../../application/ports.ts";
import { unfailingLog } from "../../application/unfailing-log.ts";
import { createStartStop } from "../common/start-stop.ts";
import { describePostgresError } from "../sql/postgres-errors.ts";
import { openWorkerSession, type WorkerSession } from "./worker-session.ts";

const RECONNECT_MIN_MS = 250;
const RECONNECT_MAX_MS = 5_000;

export interface WorkerRuntimeOptions {
  readonly connectionString: string;
  readonly concurrency: number;
  /** How long `stop()` lets running handlers finish, in milliseconds. */
  readonly shutdownGraceMs: number;
  readonly log: JobLogger;
}

/**
 * Runs jobs from Postgres, in one worker session at a time. When a session breaks, because the database
 * restarts or the network fails, it opens the next one, until `stop()`.
 */
export function graphileRuntime(
  registry: JobRegistry,
  { shutdownGraceMs, ...options }: WorkerRuntimeOptions,
): ObservableJobRuntime {
  const log = unfailingLog(options.log);
  let connected = false;
  const openSession = (signal: AbortSignal) =>
    openWorkerSession({ ...options, log, registry, signal });

  /** Resolves when `stopping` has aborted and the last session is closed. */
  async function keepWorking(first: WorkerSession, stopping: AbortSignal): Promise<void> {
    let session: WorkerSession | undefined = first;
    while (session) {
      connected = true;
      const cause = await Promise.race([whenAborted(stopping), session.broken]);
      connected = false;
      if (!stopping.aborted) log.warn({ err: cause }, "database lost, reconnecting");
      // A broken session gets no grace: it lost its lease, and other workers may have its jobs.
      await session.close(stopping.aborted ? shutdownGraceMs : 0);
      session = await reconnect(stopping);
    }
  }

  /** Tries until it has a session. Returns `undefined` when `stopping` aborts. */
  async function reconnect(stopping: AbortSignal): Promise<WorkerSession | undefined> {
    let waitMs = RECONNECT_MIN_MS;
    while (!stopping.aborted) {
      await delay(waitMs, undefined, { signal: stopping }).catch(() => undefined);
      if (stopping.aborted) break;
      try {
        const session = await openSession(stopping);
        log.info({}, "database reconnected");
        return session;
      } catch (error) {
        waitMs = Math.min(waitMs * 2, RECONNECT_MAX_MS);
        log.warn(
          { reason: describePostgresError(error), nextTryInMs: waitMs },
          "reconnect failed, retrying",
        );
      }
    }
    return undefined;
  }

  const { start, stop } = createStartStop(async (stopping) => {
    const session = await openSession(stopping);
    const stopped = keepWorking(session, stopping);
    return () => stopped;
  });
  return {
    provider: "graphile",
    get connected() {
      return connected;
    },
    start,
    stop,
  };
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

import { Logger, type WorkerEvents } from "graphile-worker";
import type { Pool, PoolClient } from "pg";
import type { JobLogger } from "../../application/ports.ts";
import { mayHaveBeenExecuted } from "../sql/postgres-errors.ts";

// Every work-around for graphile-worker 0.18. After an update of graphile-worker, take each one out and make
// the check of its comment. If a test passes ten times without it, the work-around is no longer needed.

/**
 * Mends: a failed shutdown ends the process. After a database error graphile-worker shuts its pool down
 * without awaiting that, so a rejection is unhandled. The session hears of the error by an event and frees
 * the jobs itself.
 *
 * Check: in graphile-worker's main.js, the error handlers of the batches call `gracefulShutdown` and ignore
 * its promise. No test shows this rejection while {@link takeClaimedJobs} prevents its most frequent cause.
 */
export function catchShutdownErrors(log: JobLogger): GraphileConfig.Plugin {
  return {
    name: "OrbitShutdownPlugin",
    version: "1.0.0",
    worker: {
      middleware: {
        async poolGracefulShutdown(next) {
          try {
            await next();
          } catch (err) {
            log.warn({ err }, "graphile-worker shutdown failed");
          }
        },
      },
    },
  };
}

/**
 * Mends: a worker that stops while its local queue holds jobs logs an error each time, and without a
 * database the rejection ends the process. The local queue is emptied before graphile-worker returns its
 * jobs. Their ids are collected for the release of the lease.
 *
 * Check: test/jobs/lost-connections.test.ts, "survives with claimed jobs in memory".
 */
export function takeClaimedJobs(events: WorkerEvents): readonly string[] {
  const ids: string[] = [];
  events.once("localQueue:init", ({ localQueue }) => {
    events.on("pool:gracefulShutdown", () => {
      ids.push(...localQueue.jobQueue.splice(0).map(({ id }) => id));
    });
  });
  return ids;
}

/**
 * Mends: a batch of claimed jobs runs in any order. The claim chooses jobs by priority and time, but
 * Postgres returns updated rows in no order.
 *
 * Check: the contract's cases of `priority`.
 */
export function sortClaimedJobs(events: WorkerEvents): void {
  events.on("localQueue:getJobs:complete", ({ jobs }) => {
    jobs.sort(
      (one, other) => one.priority - other.priority || Number(one.run_at) - Number(other.run_at),
    );
  });
}

type OnConnected = Parameters<Pool["connect"]>[0];

/**
 * Mends: if LISTEN fails while the worker stops, graphile-worker releases that connection twice. The pool
 * throws at the second release, in a promise that nothing awaits, and the process ends.
 *
 * Check: test/jobs/lost-connections.test.ts, "a worker that loses its connection during LISTEN".
 */
export function allowRepeatedRelease(pool: Pool): void {
  const take = pool.connect.bind(pool);
  function connect(): Promise<PoolClient>;
  function connect(onConnected: OnConnected): void;
  function connect(onConnected?: OnConnected): Promise<PoolClient> | undefined {
    if (!onConnected) return take();
    take((error, client, release) => {
      // A pool that has ended passes no `release`, whatever its types say.
      if (error) return onConnected(error, client, release);
      let isReleased = false;
      onConnected(error, client, (reason) => {
        if (isReleased) return;
        isReleased = true;
        release(reason);
      });
    });
    return undefined;
  }
  pool.connect = connect;
}

/** The only sign of a failed claim: graphile-worker has no event for it. */
const CLAIM_FAILED = "Error occurred fetching jobs";

/**
 * Mends two behaviours through the log:
 *
 * - A claim whose connection breaks may have been committed. The jobs then stay locked by a worker that
 *   is alive and does not know them. `onClaimLost` ends the session, which frees them.
 *   Check: test/jobs/kill-points.long.test.ts, "a worker that loses only the connection of a committed claim".
 * - The log of a failed job contains its payload. `runJob` reports failed jobs, so these lines are dropped.
 *   Check: `failure: true` in the logger calls of graphile-worker's worker.js.
 */
export function graphileLogger(log: JobLogger, onClaimLost: (cause: unknown) => void): Logger {
  return new Logger((scope) => (level, message, meta) => {
    if (meta && "failure" in meta) return;
    const { workerId } = scope;
    const error: unknown = meta?.["error"];
    if (message.startsWith(CLAIM_FAILED) && mayHaveBeenExecuted(error)) onClaimLost(error);
    if (level === "error" || level === "warning") log.warn({ workerId, err: error }, message);
    else log.debug({ workerId }, message);
  });
}

/**
 * Mends: a task that settles completes or fails its job even when another worker holds the job by now. A
 * task that must not do so returns this promise.
 *
 * Check: test/jobs/graphile-leftovers.test.ts, "a death that comes after the job went to another worker".
 */
export function neverSettle<T>(): Promise<T> {
  return new Promise(() => undefined);
}

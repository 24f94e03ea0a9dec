import { setImmediate } from "node:timers/promises";
import type { Client } from "pg";
import { createInterval } from "../common/interval.ts";
import { withTimeout } from "../common/with-timeout.ts";
import { WORKER_SETTINGS } from "./worker-connections.ts";

const HEARTBEAT_MS = 1_000;

/** {@link createHeartbeat} times out first, since pg's timeout ignores an answer that is still unread. */
const HEARTBEAT = { text: "select 1", query_timeout: 60_000 };

/**
 * The server never drops a session this fresh, and recovery takes another second. A worker without an
 * answer for this long treats its lease as lost before others can take its jobs.
 */
const SILENCE_MS = 3_000;

/** The least time for an answer, also after the process was too busy to send a heartbeat. */
const MIN_PATIENCE_MS = 1_000;

/** Drops a client that acknowledges nothing. By default the server's kernel retries for 15 minutes. */
const DROP_UNACKNOWLEDGED = "set tcp_user_timeout = 3000";

/**
 * Drops a worker without heartbeats. A frozen process, or a proxy that answers for a lost machine, looks
 * alive to TCP. Handlers must not block their process for this long.
 */
const DROP_WITHOUT_HEARTBEATS = "set idle_session_timeout = '60s'";

/**
 * The proof that a worker is alive: a session advisory lock, which Postgres frees with the connection.
 * Other workers recover the jobs of a worker whose lock they can take.
 */
export interface WorkerLease {
  /**
   * Frees the jobs that this worker still holds, then the lease.
   *
   * @param unbegun ids of claimed jobs that never began: they get their attempt back
   */
  release(reason: string, unbegun: readonly string[]): Promise<void>;
  /** Ends the heartbeats without a query. */
  abandon(): void;
}

export interface WorkerLeaseOptions {
  /** A direct connection for the lease alone. The lease ends with it. */
  readonly client: Client;
  readonly workerId: string;
  /** Called when a heartbeat fails or gets no answer. */
  readonly onLost: (cause: unknown) => void;
}

export async function takeLease(options: WorkerLeaseOptions): Promise<WorkerLease> {
  const { client, workerId, onLost } = options;
  await client.query(WORKER_SETTINGS);
  await client.query(DROP_UNACKNOWLEDGED);
  await client.query(DROP_WITHOUT_HEARTBEATS);
  await client.query("select pg_advisory_lock(orbit_jobs.worker_lock($1))", [workerId]);
  await client.query("insert into orbit_jobs.workers (id) values ($1)", [workerId]);

  const beat = createHeartbeat(client);
  const heartbeats = createInterval(HEARTBEAT_MS, () =>
    beat().catch((cause: unknown) => {
      abandon();
      onLost(cause);
    }),
  );
  const abandon = () => void heartbeats.stop();
  heartbeats.start();
  return {
    abandon,
    async release(reason, unbegun) {
      await heartbeats.stop();
      if (unbegun.length > 0) await returnUnbegun(client, workerId, unbegun);
      await client.query("select orbit_jobs.release_jobs($1, $2, false)", [workerId, reason]);
      await client.query("select orbit_jobs.forget_worker($1)", [workerId]);
    },
  };
}

/** One heartbeat per call. Rejects when the lease must be treated as lost. */
function createHeartbeat(client: Client): () => Promise<void> {
  let lastAnswered = performance.now();
  return async () => {
    const sent = performance.now();
    const patience = Math.max(MIN_PATIENCE_MS, lastAnswered + SILENCE_MS - sent);
    const answer = client.query(HEARTBEAT).then(() => true);
    const isAnswered =
      (await withTimeout(patience, answer, () => false)) ||
      // A process that was busy may have an unread answer. One turn of the event loop reads it.
      (await Promise.race([answer, setImmediate(false)]));
    if (!isAnswered) throw new Error("lease lost: a heartbeat got no answer");
    lastAnswered = sent;
  };
}

/** Frees claimed jobs and gives them their attempt back. */
async function returnUnbegun(client: Client, workerId: string, ids: readonly string[]) {
  await client.query(
    `with returned as (
       update graphile_worker._private_jobs
          set attempts = attempts - 1, locked_at = null, locked_by = null
        where id = any($1::bigint[]) and locked_by = $2::text
       returning 1
     )
     select pg_notify('jobs:insert', json_build_object('count', count(*))::text) from returned`,
    [ids, workerId],
  );
}

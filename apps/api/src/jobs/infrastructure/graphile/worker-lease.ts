import { setImmediate } from "node:timers/promises";
import type { Client } from "pg";
import { repeat } from "../../application/repeat.ts";
import { within } from "../../application/within.ts";
import { GIVE_UP_LOST_MACHINES } from "./worker-connections.ts";

const HEARTBEAT_MS = 1_000;

/** It is bounded by what follows; a time-out of pg's would not ask whether the answer is there already. */
const HEARTBEAT = { text: "select 1", query_timeout: 60_000 };

/**
 * Postgres gives nobody up of whom it heard so recently, and others take a second more: whoever has not been
 * answered takes itself for cut off.
 */
const SILENCE_MS = 3_000;

/** For the first heartbeat after the process was busy for longer than that. */
const LEAST_PATIENCE_MS = 1_000;

/** A network that is gone while the server owes an answer: its kernel would try for a quarter of an hour. */
const GIVE_UP_UNACKNOWLEDGED = "set tcp_user_timeout = 3000";

/**
 * Behind a proxy, which answers in a lost machine's place, or when the process is frozen, nothing but its
 * heartbeats tells. No handler should block its process for that long.
 */
const END_WITHOUT_HEARTBEATS = "set idle_session_timeout = '60s'";

/**
 * That a worker lives: a session advisory lock, which Postgres drops with the connection. Whoever can
 * take it knows within seconds what graphile-worker assumes after four hours.
 */
export interface WorkerLease {
  /**
   * Gives the jobs that this worker still holds to others, and the lease back. Of `unbegun` it is
   * known that their attempt was none.
   */
  release(reason: string, unbegun: readonly string[]): Promise<void>;
  /** Ends the heartbeat without a word to the database. */
  abandon(): void;
}

export interface WorkerLeaseOptions {
  /** A direct connection of its own: the lease lives and dies with it. */
  readonly client: Client;
  readonly workerId: string;
  /** The connection is silent, and so the lease cannot be counted on. */
  readonly onLost: (cause: unknown) => void;
}

export async function takeLease(options: WorkerLeaseOptions): Promise<WorkerLease> {
  const { client, workerId, onLost } = options;
  await client.query(GIVE_UP_LOST_MACHINES);
  await client.query(GIVE_UP_UNACKNOWLEDGED);
  await client.query(END_WITHOUT_HEARTBEATS);
  await client.query("select pg_advisory_lock(orbit_jobs.worker_lock($1))", [workerId]);
  await client.query("insert into orbit_jobs.workers (id) values ($1)", [workerId]);

  const beat = heartOf(client);
  const heartbeat = repeat(HEARTBEAT_MS, () =>
    beat().catch((cause: unknown) => {
      abandon();
      onLost(cause);
    }),
  );
  const abandon = () => void heartbeat.stop();
  heartbeat.start();
  return {
    abandon,
    async release(reason, unbegun) {
      await heartbeat.stop();
      if (unbegun.length > 0) await returnClaims(client, workerId, unbegun);
      await client.query("select orbit_jobs.release_jobs($1, $2, false)", [workerId, reason]);
      await client.query("select orbit_jobs.forget_worker($1)", [workerId]);
    },
  };
}

/** Rejects when it takes the connection for broken. */
function heartOf(client: Client): () => Promise<void> {
  let heardOf = performance.now();
  return async () => {
    const sent = performance.now();
    const patience = Math.max(LEAST_PATIENCE_MS, heardOf + SILENCE_MS - sent);
    const answer = client.query(HEARTBEAT).then(() => true);
    const isAnswered =
      (await within(patience, answer, () => false)) ||
      // A process that was busy has not read yet what is there; one turn of its loop reads it.
      (await Promise.race([answer, setImmediate(false)]));
    if (!isAnswered) throw new Error("the connection of the worker's lease is silent");
    heardOf = sent;
  };
}

async function returnClaims(client: Client, workerId: string, ids: readonly string[]) {
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

import type { Client } from "pg";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger } from "../../application/ports.ts";
import { taskNames } from "./task-name.ts";

const SWEEP_INTERVAL_MS = 1_000;

/** Twice, for the moment in which a worker that is leaving has dropped its lease and not its row. */
const MISSES_BEFORE_RECOVERY = 2;

/** A machine without power closes no connection: the server must ask for it, and soon. */
const NOTICE_LOST_MACHINES = `
  set tcp_keepalives_idle = 2; set tcp_keepalives_interval = 1; set tcp_keepalives_count = 2;
  set tcp_user_timeout = 4000`;

/** How often locks are looked for that no known worker holds: a claim can outlast its worker. */
const ORPHAN_SEARCH_MS = 2_000;

/** Such a search reads the whole queue: with very many jobs in it each worker makes fewer. */
const ORPHAN_SEARCH_SHARE = 0.01;

const SWEEPS_PER_BURIAL = 60;

/**
 * Crash recovery. graphile-worker frees the jobs of a worker that died after four hours; with a
 * lease (a session advisory lock, which Postgres drops with the connection) anybody can tell within
 * seconds. Every worker holds its own lease and frees the jobs of workers that lost theirs.
 */
export interface WorkerLease {
  /** Looks for dead workers once. Runs every second by itself. */
  sweep(): Promise<void>;
  /**
   * Gives the jobs that this worker still holds to others, and the lease back. Of `unbegun` it is
   * known that their attempt was none.
   */
  release(reason: string, unbegun: readonly string[]): Promise<void>;
  /** Ends the sweeps without a word to the database. */
  abandon(): void;
}

export interface WorkerLeaseOptions {
  /** A direct connection of its own: the lease lives and dies with it. */
  readonly client: Client;
  readonly workerId: string;
  readonly registry: JobRegistry;
  readonly log: JobLogger;
  /** A sweep failed: the connection, and so the lease, cannot be counted on. */
  readonly onLost: (cause: unknown) => void;
}

export async function takeLease(options: WorkerLeaseOptions): Promise<WorkerLease> {
  const { client, workerId, registry, log, onLost } = options;
  await client.query(NOTICE_LOST_MACHINES);
  await client.query("select pg_advisory_lock(orbit_jobs.worker_lock($1))", [workerId]);
  await client.query("insert into orbit_jobs.workers (id) values ($1)", [workerId]);

  const misses = new Map<string, number>();
  const identifiers = registry.flatMap((definition) => taskNames(definition));
  let sweeps = 0;
  let nextSearch = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;

  async function sweep(): Promise<void> {
    if (sweeps++ % SWEEPS_PER_BURIAL === 0) await buryExhausted(client, identifiers);
    const began = performance.now();
    if (began >= nextSearch) {
      await registerOrphans(client, identifiers);
      const took = performance.now() - began;
      nextSearch = began + Math.max(ORPHAN_SEARCH_MS, took / ORPHAN_SEARCH_SHARE);
    }
    const gone = await ownerless(client, workerId);
    for (const id of misses.keys()) if (!gone.includes(id)) misses.delete(id);
    for (const id of gone) {
      const missed = (misses.get(id) ?? 0) + 1;
      misses.set(id, missed);
      if (missed < MISSES_BEFORE_RECOVERY) continue;
      misses.delete(id);
      const freed = await recover(client, id);
      if (freed !== null && freed > 0)
        log.warn({ worker: id, freed }, "a worker died; its jobs were freed");
    }
  }

  function sweepLater(): void {
    timer = setTimeout(() => {
      sweep().then(
        () => ended || sweepLater(),
        (error: unknown) => ended || onLost(error),
      );
    }, SWEEP_INTERVAL_MS);
  }

  const abandon = () => {
    ended = true;
    clearTimeout(timer);
  };

  sweepLater();
  return {
    sweep,
    abandon,
    async release(reason, unbegun) {
      abandon();
      if (unbegun.length > 0) await returnClaims(client, workerId, unbegun);
      await client.query("select orbit_jobs.release_jobs($1, $2, false)", [workerId, reason]);
      await client.query("select orbit_jobs.forget_worker($1)", [workerId]);
    },
  };
}

/** What died under a version that buried nothing is in the queue still. */
async function buryExhausted(client: Client, identifiers: readonly string[]): Promise<void> {
  await client.query("select orbit_jobs.bury_exhausted($1::text[])", [identifiers]);
}

/**
 * A claim that reaches Postgres when its worker was recovered has a lock and no row any more; so has
 * whoever ran a version without leases, or whose row somebody removed by hand.
 */
async function registerOrphans(client: Client, identifiers: readonly string[]): Promise<void> {
  await client.query(
    `insert into orbit_jobs.workers (id)
     select distinct jobs.locked_by
       from graphile_worker._private_jobs jobs
       join graphile_worker._private_tasks tasks on tasks.id = jobs.task_id
      where jobs.locked_by is not null and tasks.identifier = any($1)
         on conflict do nothing`,
    [identifiers],
  );
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

async function ownerless(client: Client, workerId: string): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `select id from orbit_jobs.workers
      where id <> $1 and pg_try_advisory_xact_lock(orbit_jobs.worker_lock(id))`,
    [workerId],
  );
  return rows.map(({ id }) => id);
}

async function recover(client: Client, id: string): Promise<number | null> {
  const { rows } = await client.query<{ freed: number | null }>(
    "select orbit_jobs.recover_worker($1, $2) as freed",
    [id, "The worker died during this run."],
  );
  return rows[0]?.freed ?? null;
}

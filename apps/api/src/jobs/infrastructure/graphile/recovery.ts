import type { Pool } from "pg";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger } from "../../application/ports.ts";
import { createInterval, type Interval } from "../common/interval.ts";
import { taskNames, WORKER_DIED } from "./row-markers.ts";

const CHECK_MS = 1_000;

/** A worker that stops drops its lease a moment before its row, so one miss is not a death. */
const MISSES_BEFORE_RECOVERY = 2;

/** How often to search for locks without a known worker. A late claim can outlive its worker's row. */
const ORPHAN_SEARCH_MS = 2_000;

const BURIAL_MS = 60_000;

/** The largest share of a worker's time for the searches that read the whole queue. */
const SEARCH_TIME_SHARE = 0.01;

/** Frees the jobs of dead workers. Every worker does this, every second from `start()` on. */
export interface Recovery extends Interval {
  /** Checks once for dead workers. */
  check(): Promise<void>;
}

export interface RecoveryOptions {
  readonly pool: Pool;
  /** The worker that checks. */
  readonly workerId: string;
  readonly registry: JobRegistry;
  readonly log: JobLogger;
}

export function createRecovery({ pool, workerId, registry, log }: RecoveryOptions): Recovery {
  const misses = new Map<string, number>();
  const identifiers = registry.flatMap((definition) => taskNames(definition));
  let isStopped = false;
  const bury = sparingly(BURIAL_MS, () => buryExhausted(pool, identifiers));
  const searchOrphans = sparingly(ORPHAN_SEARCH_MS, () => registerOrphans(pool, identifiers));

  async function check(): Promise<void> {
    const gone = await workersWithoutLease(pool, workerId);
    for (const id of misses.keys()) if (!gone.includes(id)) misses.delete(id);
    for (const id of gone) {
      const missed = (misses.get(id) ?? 0) + 1;
      misses.set(id, missed);
      if (missed < MISSES_BEFORE_RECOVERY) continue;
      misses.delete(id);
      const freed = await recover(pool, id);
      if (freed !== null && freed > 0) log.warn({ worker: id, freed }, "dead worker recovered");
    }
    // Last, since these time out on a very long queue. Dead workers are recovered all the same.
    await bury();
    await searchOrphans();
  }

  const checks = createInterval(CHECK_MS, () =>
    check().catch((err: unknown) => {
      if (!isStopped) log.warn({ err }, "dead-worker check failed");
    }),
  );
  return {
    check,
    start: checks.start,
    stop() {
      isStopped = true;
      return checks.stop();
    },
  };
}

/** Skips calls that come within `pauseMs` of the last one, or sooner than the time share allows. */
function sparingly(pauseMs: number, work: () => Promise<void>): () => Promise<void> {
  let next = 0;
  return async () => {
    const began = performance.now();
    if (began < next) return;
    try {
      await work();
    } finally {
      next = began + Math.max(pauseMs, (performance.now() - began) / SEARCH_TIME_SHARE);
    }
  };
}

/** Buries jobs that used all their attempts without being buried, for example under graphile-worker alone. */
async function buryExhausted(pool: Pool, identifiers: readonly string[]): Promise<void> {
  await pool.query("select orbit_jobs.bury_exhausted($1::text[])", [identifiers]);
}

/**
 * Registers workers that hold locks and have no row, so that the next checks recover their jobs. A claim
 * that reaches Postgres after its worker was recovered leaves such a lock. So does a worker of
 * graphile-worker alone, or a row that was removed by hand.
 */
async function registerOrphans(pool: Pool, identifiers: readonly string[]): Promise<void> {
  await pool.query(
    `insert into orbit_jobs.workers (id)
     select distinct jobs.locked_by
       from graphile_worker._private_jobs jobs
       join graphile_worker._private_tasks tasks on tasks.id = jobs.task_id
      where jobs.locked_by is not null and tasks.identifier = any($1)
         on conflict do nothing`,
    [identifiers],
  );
}

async function workersWithoutLease(pool: Pool, workerId: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from orbit_jobs.workers
      where id <> $1 and pg_try_advisory_xact_lock(orbit_jobs.worker_lock(id))`,
    [workerId],
  );
  return rows.map(({ id }) => id);
}

/** Returns how many jobs it freed, or `null` if the worker is alive or another process recovers it. */
async function recover(pool: Pool, id: string): Promise<number | null> {
  const { rows } = await pool.query<{ freed: number | null }>(
    "select orbit_jobs.recover_worker($1, $2) as freed",
    [id, WORKER_DIED],
  );
  return rows[0]?.freed ?? null;
}

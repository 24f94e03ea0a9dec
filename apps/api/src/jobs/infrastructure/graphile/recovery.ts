import type { Pool } from "pg";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger } from "../../application/ports.ts";
import { type Repetition, repeat } from "../../application/repeat.ts";
import { taskNames } from "./task-name.ts";

const INTERVAL_MS = 1_000;

/** Twice, for the moment in which a worker that is leaving has dropped its lease and not its row. */
const MISSES_BEFORE_RECOVERY = 2;

/** How often locks are looked for that no known worker holds: a claim can outlast its worker. */
const ORPHAN_SEARCH_MS = 2_000;

const BURIAL_MS = 60_000;

/** Both read the whole queue: with very many jobs in it each worker does it less often. */
const SEARCHES_SHARE = 0.01;

/** What every worker does for those that died: it frees their jobs. */
export interface Recovery extends Repetition {
  /** Looks for dead workers once. When it was started that happens every second. */
  sweep(): Promise<void>;
}

export interface RecoveryOptions {
  readonly pool: Pool;
  /** Of the worker that looks. */
  readonly workerId: string;
  readonly registry: JobRegistry;
  readonly log: JobLogger;
}

export function createRecovery({ pool, workerId, registry, log }: RecoveryOptions): Recovery {
  const misses = new Map<string, number>();
  const identifiers = registry.flatMap((definition) => taskNames(definition));
  let wanted = true;
  const giveUp = (err: unknown) => {
    if (wanted) log.warn({ err }, "dead workers could not be looked for");
  };
  const bury = sparingly(BURIAL_MS, () => buryExhausted(pool, identifiers));
  const searchOrphans = sparingly(ORPHAN_SEARCH_MS, () => registerOrphans(pool, identifiers));

  async function sweep(): Promise<void> {
    const gone = await ownerless(pool, workerId);
    for (const id of misses.keys()) if (!gone.includes(id)) misses.delete(id);
    for (const id of gone) {
      const missed = (misses.get(id) ?? 0) + 1;
      misses.set(id, missed);
      if (missed < MISSES_BEFORE_RECOVERY) continue;
      misses.delete(id);
      const freed = await recover(pool, id);
      if (freed !== null && freed > 0)
        log.warn({ worker: id, freed }, "a worker died; its jobs were freed");
    }
    // Afterwards: where the queue is so long that these fail, the dead are noticed all the same.
    await bury();
    await searchOrphans();
  }

  const sweeps = repeat(INTERVAL_MS, () => sweep().catch(giveUp));
  return {
    sweep,
    start: sweeps.start,
    stop() {
      wanted = false;
      return sweeps.stop();
    },
  };
}

/** Does it when it is called, but for what would be too often. */
function sparingly(pauseMs: number, work: () => Promise<void>): () => Promise<void> {
  let next = 0;
  return async () => {
    const began = performance.now();
    if (began < next) return;
    try {
      await work();
    } finally {
      next = began + Math.max(pauseMs, (performance.now() - began) / SEARCHES_SHARE);
    }
  };
}

/** What died under a version that buried nothing is in the queue still. */
async function buryExhausted(pool: Pool, identifiers: readonly string[]): Promise<void> {
  await pool.query("select orbit_jobs.bury_exhausted($1::text[])", [identifiers]);
}

/**
 * A claim that reaches Postgres when its worker was recovered has a lock and no row any more; so has
 * whoever ran a version without leases, or whose row somebody removed by hand.
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

async function ownerless(pool: Pool, workerId: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from orbit_jobs.workers
      where id <> $1 and pg_try_advisory_xact_lock(orbit_jobs.worker_lock(id))`,
    [workerId],
  );
  return rows.map(({ id }) => id);
}

async function recover(pool: Pool, id: string): Promise<number | null> {
  const { rows } = await pool.query<{ freed: number | null }>(
    "select orbit_jobs.recover_worker($1, $2) as freed",
    [id, "The worker died during this run."],
  );
  return rows[0]?.freed ?? null;
}

import type { Pool } from "pg";
import { openPool } from "#src/infrastructure/database.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { orbitApp } from "./orbit-app.ts";
import { log, setting } from "./process-side.ts";
import { inTransaction } from "./transaction.ts";
import { JOB_NAME, MAX_ATTEMPTS, type Work } from "./work.ts";

interface EnqueueTransaction {
  readonly sql: SqlExecutor;
  enqueue(work: Work): Promise<void>;
}

/** An engine's two ways to enqueue. */
export interface Enqueue {
  readonly pool: Pool;
  transaction(work: (tx: EnqueueTransaction) => Promise<void>): Promise<void>;
  /** Enqueues with a key, so that a second try is absorbed while the job waits. */
  direct(work: Work): Promise<void>;
}

export function orbitEnqueue(): Enqueue {
  const { pool, queue, in: jobsIn } = orbitApp();
  return {
    pool,
    async transaction(work) {
      const committed = await inTransaction(pool, async (sql) => {
        const jobs = jobsIn(sql);
        await work({ sql, enqueue: (one) => jobs.enqueue(JOB_NAME, one) });
        jobs.ended();
        return () => jobs.committed();
      });
      await committed();
    },
    direct: (work) => queue.enqueue(JOB_NAME, work, { jobKey: work.id }),
  };
}

/** Calls graphile-worker's SQL function, which also works in a transaction. */
export function rawEnqueue(): Enqueue {
  const pool = openPool(setting("DATABASE_URL"), log);
  const add = async (sql: SqlExecutor, work: Work, key: string | null) => {
    await sql.query(
      "select from graphile_worker.add_job($1, $2::json, max_attempts := $3, job_key := $4)",
      [JOB_NAME, JSON.stringify(work), MAX_ATTEMPTS, key],
    );
  };
  return {
    pool,
    transaction: (work) =>
      inTransaction(pool, (sql) => work({ sql, enqueue: (one) => add(sql, one, null) })),
    direct: (work) =>
      add({ query: (text, values) => pool.query(text, [...values]) }, work, work.id),
  };
}

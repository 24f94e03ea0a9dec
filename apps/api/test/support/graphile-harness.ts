import type { Pool } from "pg";
import type { JobDefinition } from "#/jobs/application/job-definition.ts";
import { buildJobs } from "#/jobs/application/job-registry.ts";
import { GraphileJobQueue } from "#/jobs/infrastructure/graphile/graphile-job-queue.ts";
import { GraphileJobRuntime } from "#/jobs/infrastructure/graphile/graphile-job-runtime.ts";
import type {
  ContractHarness,
  ContractWorld,
  DeadJob,
  RuntimeOptions,
} from "#/jobs/testing/contract-harness.ts";
import { createTestDatabase } from "./database.ts";
import { silentLog } from "./silent-log.ts";

export interface GraphileWorld extends ContractWorld {
  readonly url: string;
  readonly pool: Pool;
  /** Jobs that some worker has claimed. */
  lockedCount(): Promise<number>;
}

/** graphile on a real Postgres. Time passes by moving what waits to the past. */
export const graphileHarness: ContractHarness = { provider: "graphile", open: openGraphileWorld };

export async function openGraphileWorld(
  definitions: readonly JobDefinition[],
): Promise<GraphileWorld> {
  const { pool, url, drop } = await createTestDatabase();
  const runtimes: GraphileJobRuntime[] = [];
  const count = async (condition: string, values: unknown[] = []) => {
    const { rows } = await pool.query<{ count: number }>(
      `select count(*)::int from graphile_worker._private_jobs where ${condition}`,
      values,
    );
    return rows[0]?.count ?? 0;
  };
  const runtime = (options: RuntimeOptions = {}) => {
    const made = new GraphileJobRuntime(buildJobs(options.definitions ?? definitions), {
      connectionString: url,
      concurrency: options.concurrency ?? 2,
      shutdownGraceMs: options.shutdownGraceMs ?? 100,
      log: silentLog,
    });
    runtimes.push(made);
    return made;
  };
  return {
    url,
    pool,
    runtime,
    queue: new GraphileJobQueue(buildJobs(definitions), {
      sql: { query: (text, values) => pool.query(text, [...values]) },
      maxPayloadBytes: 1_048_576,
    }),
    elapse: (seconds) => shiftTime(pool, seconds),
    async missMinutes(minutes) {
      const earlier = runtime();
      await earlier.start();
      await earlier.stop();
      await pool.query(
        `update graphile_worker._private_known_crontabs
            set known_since = now() - $1::int * interval '1 minute', last_execution = null`,
        [minutes],
      );
    },
    deadJobs: () => deadJobs(pool),
    waitingAfter: (attempt) =>
      count("attempts = $1 and attempts < max_attempts and locked_at is null", [attempt]),
    pendingCount: () => count("not (attempts >= max_attempts and locked_at is null)"),
    lockedCount: () => count("locked_at is not null"),
    async close() {
      await Promise.all(runtimes.map((running) => running.stop()));
      await drop();
    },
  };
}

async function shiftTime(pool: Pool, seconds: number): Promise<void> {
  await pool.query(
    `update graphile_worker._private_jobs set run_at = run_at - $1::float8 * interval '1 second'
      where locked_at is null`,
    [seconds],
  );
  await pool.query("select pg_notify('jobs:insert', '{\"count\":10}')");
}

async function deadJobs(pool: Pool): Promise<DeadJob[]> {
  const { rows } = await pool.query<DeadJob>(
    `select task_identifier as name, attempts, last_error as "lastError" from graphile_worker.jobs
      where attempts >= max_attempts and locked_at is null order by id`,
  );
  return rows;
}

import { Pool } from "pg";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { ProviderSupport } from "#src/jobs/application/provider-features.ts";
import type { JobRuntime } from "#src/jobs/application/job-runtime.ts";
import { graphile } from "#src/jobs/infrastructure/graphile/graphile-provider.ts";
import type {
  ContractHarness,
  ContractWorld,
  DeadJob,
  RuntimeOptions,
} from "#src/jobs/testing/contract-harness.ts";
import { contractTransactions } from "./contract-transactions.ts";
import { createTestDatabase } from "./database.ts";
import { graphileParts } from "./graphile-parts.ts";
import { graphileTicks } from "./graphile-ticks.ts";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

export interface GraphileWorld extends ContractWorld {
  readonly url: string;
  readonly pool: Pool;
  /** Counts jobs that a worker has claimed. */
  lockedCount(): Promise<number>;
  /** The proxy in front of this runtime's connections. */
  proxyOf(runtime: JobRuntime): TcpProxy;
}

/** Which connections: those of the queue or those of the runtimes. */
export type Side = "queue" | "runtimes";

export const graphileSupport: ProviderSupport = graphile({ databaseUrl: "" });

/** graphile on a real Postgres. Time passes by moving waiting jobs into the past. */
export const graphileHarness: ContractHarness = {
  provider: graphileSupport,
  open: (definitions) => openGraphileWorld(definitions),
};

/** How many runtimes one world can have. */
const RUNTIMES = 16;

/** @param behind returns the URL of a proxy in front of the database, if there is one */
export async function openGraphileWorld(
  definitions: readonly JobDefinition[],
  behind: (databaseUrl: string, side: Side) => string | Promise<string> = (url) => url,
): Promise<GraphileWorld> {
  const database = await createTestDatabase();
  const { pool } = database;
  const queuePool = new Pool({ connectionString: await behind(database.url, "queue"), max: 10 });
  queuePool.on("error", () => undefined);
  queuePool.on("connect", (client) => client.on("error", () => undefined));
  // Each runtime has its own proxy, which can cut it off from the database.
  const url = await behind(database.url, "runtimes");
  const proxies = await Promise.all(Array.from({ length: RUNTIMES }, () => openTcpProxy(url)));
  const runtimes = new Map<JobRuntime, TcpProxy>();
  const count = async (condition: string, values: unknown[] = []) => {
    const { rows } = await pool.query<{ count: number }>(
      `select count(*)::int from graphile_worker._private_jobs where ${condition}`,
      values,
    );
    return rows[0]?.count ?? 0;
  };
  const runtime = ({ definitions: own = definitions, ...options }: RuntimeOptions = {}) => {
    const proxy = proxies[runtimes.size];
    if (!proxy) throw new Error(`a world has at most ${RUNTIMES} runtimes`);
    const made = graphileParts(own, { ...options, url: proxy.url }).runtime;
    runtimes.set(made, proxy);
    return made;
  };
  const proxyOf = (running: JobRuntime) => {
    const proxy = runtimes.get(running);
    if (!proxy) throw new Error("this runtime belongs to another world");
    return proxy;
  };
  const queueOf = (known: readonly JobDefinition[]) =>
    graphileParts(known, { url, pool: queuePool }).queue;
  const direct = graphileParts(definitions, { url: database.url, pool });
  return {
    url: database.url,
    pool,
    runtime,
    proxyOf,
    queueOf,
    queue: queueOf(definitions),
    async crash(running) {
      proxyOf(running).refuse();
      proxyOf(running).cut();
    },
    now: () => new Date(),
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
    ticks: async (definition, after, until) => graphileTicks(definition, after, until),
    transaction: contractTransactions(pool, (sql) => direct.in(sql)),
    dead: direct.deadJobs,
    deadJobs: () => deadJobs(pool),
    waitingAfter: (attempt) =>
      count("attempts = $1 and attempts < max_attempts and locked_at is null", [attempt]),
    pendingCount: () => count("true"),
    waitingCount: () => count("locked_at is null"),
    lockedCount: () => count("locked_at is not null"),
    async close() {
      await Promise.all([...runtimes.keys()].map((running) => running.stop()));
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await queuePool.end();
      await database.drop();
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
    `select name, attempts, last_error as "lastError" from orbit_jobs.dead_jobs order by died_at, id`,
  );
  return rows;
}

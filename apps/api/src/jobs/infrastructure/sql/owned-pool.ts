import { Pool } from "pg";
import type { OwnedDatabase } from "../../application/job-provider.ts";

/** For connecting, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;

/** For one statement, in milliseconds. */
const QUERY_TIMEOUT_MS = 35_000;

/**
 * A small pool for callers that bring none. It opens at the first query and again after `end()`. Its idle
 * connections do not keep a process alive.
 */
export function openOwnedPool(connectionString: string): OwnedDatabase {
  let current: { readonly pool: Pool; readonly running: Set<Promise<unknown>> } | undefined;
  return {
    async query(text, values) {
      current ??= { pool: createPool(connectionString), running: new Set() };
      const { pool, running } = current;
      const statement = pool.query(text, [...values]);
      running.add(statement);
      try {
        return await statement;
      } finally {
        running.delete(statement);
      }
    },
    async end() {
      const ending = current;
      // A later statement opens another pool.
      current = undefined;
      // A pool that ends never runs the statements that wait for one of its connections.
      if (!ending) return;
      await Promise.allSettled(ending.running);
      await ending.pool.end();
    },
  };
}

function createPool(connectionString: string): Pool {
  const pool = new Pool({
    connectionString,
    max: 4,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    allowExitOnIdle: true,
    application_name: "orbit-jobs-queue",
  });
  // A broken idle connection would otherwise end the process. The next query reports the trouble.
  const ignore = () => undefined;
  pool.on("error", ignore);
  pool.on("connect", (client) => client.on("error", ignore));
  return pool;
}

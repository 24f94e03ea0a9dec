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
  let pool: Pool | undefined;
  return {
    query(text, values) {
      pool ??= createPool(connectionString);
      return pool.query(text, [...values]);
    },
    async end() {
      const ending = pool;
      pool = undefined;
      await ending?.end();
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

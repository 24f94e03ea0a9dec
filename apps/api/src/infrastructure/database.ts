import { drizzle } from "drizzle-orm/node-postgres";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import { Pool } from "pg";
import type { Logger } from "#/kernel/logger.ts";

/** Drizzle on a pool or in a transaction. */
export type Database = PgDatabase<PgQueryResultHKT>;

/** The app's pool: for requests, and for handlers of jobs. Whoever opens it ends it. */
export function openPool(connectionString: string, log: Logger): Pool {
  const pool = new Pool({
    connectionString,
    max: 10,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    application_name: "orbit-api",
  });
  // Without listeners, a connection that the database closes would end the process.
  const onError = (err: unknown) => {
    // On Workers, a socket that we close ourselves is an error, too.
    if (!pool.ending) log.warn({ err }, "a database connection broke");
  };
  pool.on("error", onError);
  pool.on("connect", (client) => client.on("error", onError));
  return pool;
}

export function openDatabase(pool: Pool) {
  return drizzle({ client: pool });
}

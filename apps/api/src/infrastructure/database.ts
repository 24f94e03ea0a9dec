import { sql } from "drizzle-orm";
import { DrizzleQueryError } from "drizzle-orm/errors";
import { drizzle } from "drizzle-orm/node-postgres";
import type { PgDatabase, PgQueryResultHKT, PgTransactionConfig } from "drizzle-orm/pg-core";
import { Pool } from "pg";
import type { Logger } from "#src/kernel/logger.ts";

/** Drizzle in a transaction. */
export type Database = PgDatabase<PgQueryResultHKT>;

const QUERY_TIMEOUT_MS = 35_000;

export interface PoolOptions {
  /** At most; 10 by default. */
  readonly connections?: number;
  /** What a statement may take before its caller gives up; 0 is for ever. */
  readonly queryTimeoutMs?: number;
}

/**
 * The app's pool: for requests, and for handlers of jobs. Whoever opens it ends it. It asks the
 * server for no settings when it connects: transaction poolers refuse those.
 */
export function openPool(
  connectionString: string,
  log: Logger,
  { connections = 10, queryTimeoutMs = QUERY_TIMEOUT_MS }: PoolOptions = {},
): Pool {
  const pool = new Pool({
    connectionString,
    max: connections,
    connectionTimeoutMillis: 5_000,
    query_timeout: queryTimeoutMs,
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

/**
 * One transaction on a connection of the pool, which gets it back however that ends: with Drizzle's own
 * way of taking one, a BEGIN that fails would keep it for good. A connection of which nobody knows
 * whether it is still in the transaction is closed.
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (tx: Database) => Promise<T>,
  config?: PgTransactionConfig,
): Promise<T> {
  const client = await pool.connect();
  let isUncertain = false;
  try {
    return await drizzle({ client }).transaction(async (tx) => {
      await limitTransaction(tx);
      return work(tx);
    }, config);
  } catch (error) {
    isUncertain = error instanceof DrizzleQueryError && /^(begin|rollback)/.test(error.query);
    throw error;
  } finally {
    client.release(isUncertain);
  }
}

/**
 * What the server may take for a statement of this transaction, and wait for the next one. They end
 * with the transaction, so that nothing of them stays on a connection that a pooler shares.
 */
async function limitTransaction(tx: Database): Promise<void> {
  await tx.execute(
    sql`select set_config('statement_timeout', '30s', true), set_config('idle_in_transaction_session_timeout', '60s', true)`,
  );
}

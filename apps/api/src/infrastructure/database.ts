import { sql } from "drizzle-orm";
import { DrizzleQueryError } from "drizzle-orm/errors";
import { drizzle } from "drizzle-orm/node-postgres";
import type { PgDatabase, PgQueryResultHKT, PgTransactionConfig } from "drizzle-orm/pg-core";
import { Pool } from "pg";
import type { Logger } from "#src/kernel/logger.ts";

/** Drizzle inside a transaction. */
export type Database = PgDatabase<PgQueryResultHKT>;

const QUERY_TIMEOUT_MS = 35_000;

export const APPLICATION_NAME = "orbit-api";

export interface PoolOptions {
  /** The greatest number of connections; 10 by default. */
  readonly connections?: number;
  /** How long a caller waits for a statement; 0 means no limit. */
  readonly queryTimeoutMs?: number;
}

/**
 * The app's pool, for requests and for job handlers. The caller must end it. A new connection requests
 * no settings, because transaction poolers refuse them.
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
    // The kernel then breaks a silent idle connection after some fifteen seconds.
    keepAliveInitialDelayMillis: 5_000,
    application_name: APPLICATION_NAME,
  });
  // Without a listener a connection that the database closes would end the process.
  const onError = (err: unknown) => {
    // On Workers even a socket that the pool closes itself reports an error.
    if (!pool.ending) log.warn({ err }, "database connection lost");
  };
  pool.on("error", onError);
  pool.on("connect", (client) => client.on("error", onError));
  return pool;
}

/**
 * Runs one transaction and always returns its connection to the pool. Drizzle's own transaction on a
 * pool never returns a connection whose BEGIN fails. A connection that may still be inside the
 * transaction is closed.
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
      await setUp(tx);
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
 * Limits on each statement and on the pauses between them, and the form of values as text. Drizzle reads
 * times as text, and a database or role may have other defaults, such as `SQL, DMY`.
 */
const TRANSACTION_SETTINGS = {
  statement_timeout: "30s",
  idle_in_transaction_session_timeout: "60s",
  datestyle: "ISO",
  intervalstyle: "postgres",
  timezone: "UTC",
  extra_float_digits: "1",
  bytea_output: "hex",
  standard_conforming_strings: "on",
  array_nulls: "on",
} as const;

/** These settings end with the transaction, because a pooler shares the connection with other clients. */
async function setUp(tx: Database): Promise<void> {
  const settings = Object.entries(TRANSACTION_SETTINGS).map(
    ([name, value]) => sql`set_config(${name}, ${value}, true)`,
  );
  await tx.execute(sql`select ${sql.join(settings, sql`, `)}`);
}

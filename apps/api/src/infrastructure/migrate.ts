import { fileURLToPath } from "node:url";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import type { Pool, PoolClient } from "pg";

const MIGRATIONS = fileURLToPath(new URL("./migrations", import.meta.url));

/**
 * Brings the app's tables up to date; instances that start together take turns. The lock belongs to
 * a transaction, not to a session, so that it is let go behind a transaction pooler, too.
 */
export async function migrateApp(pool: Pool): Promise<void> {
  const turn = await pool.connect();
  try {
    await turn.query("begin");
    await turn.query("select pg_advisory_xact_lock(hashtextextended('orbit.migrations', 0))");
    await migrateOn(await pool.connect());
  } finally {
    await turn.query("rollback").catch(() => undefined);
    turn.release();
  }
}

/** Drizzle, which would take a connection itself, does not give it back when its BEGIN fails. */
async function migrateOn(client: PoolClient): Promise<void> {
  try {
    await migrate(drizzle({ client }), { migrationsFolder: MIGRATIONS });
  } finally {
    client.release();
  }
}

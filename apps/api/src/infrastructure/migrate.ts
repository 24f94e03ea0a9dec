import { fileURLToPath } from "node:url";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import type { Pool, PoolClient } from "pg";

const MIGRATIONS = { migrationsFolder: fileURLToPath(new URL("./migrations", import.meta.url)) };

/**
 * Brings the app's tables up to date. Instances that start together take turns. The lock belongs to a
 * transaction, not to a session, so that it is released behind a transaction pooler as well.
 *
 * @throws Error for a database whose migrations an early version left unfinished
 */
export async function migrateApp(pool: Pool): Promise<void> {
  const turn = await pool.connect();
  try {
    await turn.query("begin");
    await turn.query("select pg_advisory_xact_lock(hashtextextended('orbit.migrations', 0))");
    await refuseUnfinished(turn);
    await migrateOn(await pool.connect());
  } finally {
    await turn.query("rollback").catch(() => undefined);
    turn.release();
  }
}

/**
 * The initial migration replaces two earlier ones and has the time of the second. Drizzle compares these
 * times: a database with both counts as migrated, but one with only the first would get all tables again.
 */
async function refuseUnfinished(client: PoolClient): Promise<void> {
  const { rows: found } = await client.query<{ table: string | null }>(
    "select to_regclass('drizzle.__drizzle_migrations')::text as table",
  );
  if (!found[0]?.table) return;
  const { rows } = await client.query<{ newest: string | null }>(
    "select max(created_at)::text as newest from drizzle.__drizzle_migrations",
  );
  const newest = rows[0]?.newest;
  const initial = readMigrationFiles(MIGRATIONS)[0]?.folderMillis ?? 0;
  if (!newest || Number(newest) >= initial) return;
  throw new Error(
    "an earlier version left its migrations unfinished; drop this development database, " +
      "or finish them with that version",
  );
}

/** Drizzle never releases a client that it takes itself when BEGIN fails, so it gets one from here. */
async function migrateOn(client: PoolClient): Promise<void> {
  try {
    await migrate(drizzle({ client }), MIGRATIONS);
  } finally {
    client.release();
  }
}

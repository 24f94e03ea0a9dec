import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import type { UsedObjects } from "#src/jobs/infrastructure/sql/role-rights.ts";

const FOLDER = new URL("./migrations/", import.meta.url);

const MIGRATIONS = { migrationsFolder: fileURLToPath(FOLDER) };

/** What the running app uses of its own database objects. */
export async function usedByApp(): Promise<UsedObjects> {
  const read = async (file: string) =>
    JSON.parse(await readFile(new URL(`meta/${file}`, FOLDER), "utf8")) as unknown;
  const { entries } = journal.parse(await read("_journal.json"));
  const last = String(entries.at(-1)?.idx).padStart(4, "0");
  const { tables } = snapshot.parse(await read(`${last}_snapshot.json`));
  return { schemas: [], tables: Object.keys(tables), readOnly: ["drizzle.__drizzle_migrations"] };
}

const journal = z.object({ entries: z.array(z.object({ idx: z.number() })) });

/** The tables by names like "public.workspaces". */
const snapshot = z.object({ tables: z.record(z.string(), z.unknown()) });

/**
 * Brings the app's tables up to date. Instances that start together take turns. The lock belongs to a
 * transaction, not to a session, so that it is released behind a transaction pooler as well.
 *
 * A database that is up to date is only read: a role without the right to create tables may do that.
 *
 * @throws Error for a database whose migrations an early version left unfinished
 */
export async function migrateApp(pool: Pool): Promise<void> {
  const turn = await pool.connect();
  try {
    await turn.query("begin");
    await turn.query("select pg_advisory_xact_lock(hashtextextended('orbit.migrations', 0))");
    const newest = await newestMigration(turn);
    const times = readMigrationFiles(MIGRATIONS).map(({ folderMillis }) => folderMillis);
    refuseUnfinished(newest, Math.min(...times));
    if (newest >= Math.max(...times)) return;
    await migrateOn(await pool.connect());
  } finally {
    await turn.query("rollback").catch(() => undefined);
    turn.release();
  }
}

/** The time of the newest migration that Drizzle has recorded, or 0. */
async function newestMigration(client: PoolClient): Promise<number> {
  // Not by to_regclass, which needs rights on the schema.
  const { rows: found } = await client.query(
    "select from pg_tables where schemaname = 'drizzle' and tablename = '__drizzle_migrations'",
  );
  if (found.length === 0) return 0;
  const { rows } = await client.query<{ newest: string | null }>(
    "select max(created_at)::text as newest from drizzle.__drizzle_migrations",
  );
  return Number(rows[0]?.newest ?? 0);
}

/**
 * The initial migration replaces two earlier ones and has the time of the second. Drizzle compares these
 * times: a database with both counts as migrated, but one with only the first would get all tables again.
 */
function refuseUnfinished(newest: number, initial: number): void {
  if (newest === 0 || newest >= initial) return;
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

import { runMigrations } from "graphile-worker";
import type { Pool } from "pg";
import { MIGRATIONS } from "./migrations.ts";

/** Any constant will do, as long as everybody who migrates takes the same. */
const MIGRATION_LOCK = "hashtextextended('orbit_jobs.migrations', 0)";

/** Brings graphile-worker's schema and ours (`orbit_jobs`) up to date; safe to run concurrently. */
export async function migrateGraphile(pool: Pool): Promise<void> {
  await runMigrations({ pgPool: pool, preset: { worker: { connectionString: "" } } });
  const client = await pool.connect();
  try {
    const applied = await appliedCount(client);
    if (applied >= MIGRATIONS.length) return;
    await client.query("begin");
    await client.query(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    await client.query("create schema if not exists orbit_jobs");
    await client.query(
      "create table if not exists orbit_jobs.migrations (version integer primary key, applied_at timestamptz not null default now())",
    );
    // Somebody else may have migrated while we waited for the lock.
    for (const [index, sql] of [...MIGRATIONS.entries()].slice(await appliedCount(client))) {
      await client.query(sql);
      await client.query("insert into orbit_jobs.migrations (version) values ($1)", [index + 1]);
    }
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

async function appliedCount(client: {
  query(text: string): Promise<{ rows: { count: number }[] }>;
}): Promise<number> {
  const known = await client.query(
    "select count(*)::int as count from pg_tables where schemaname = 'orbit_jobs' and tablename = 'migrations'",
  );
  if (known.rows[0]?.count !== 1) return 0;
  const { rows } = await client.query("select count(*)::int as count from orbit_jobs.migrations");
  return rows[0]?.count ?? 0;
}

import type { Pool, PoolClient } from "pg";

/** Any constant will do, as long as everybody who migrates takes the same. */
const MIGRATION_LOCK = "hashtextextended('orbit_jobs.migrations', 0)";

/**
 * Applies what `table` does not have yet, in the schema `orbit_jobs`; safe to run concurrently.
 * `table` is a name of ours, never one from outside.
 */
export async function applyMigrations(
  pool: Pool,
  table: "common_migrations" | "migrations" | "qstash_migrations",
  migrations: readonly string[],
): Promise<void> {
  const client = await pool.connect();
  try {
    if ((await appliedCount(client, table)) >= migrations.length) return;
    await client.query("begin");
    await client.query(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    await client.query("create schema if not exists orbit_jobs");
    await client.query(
      `create table if not exists orbit_jobs.${table} (version integer primary key, applied_at timestamptz not null default now())`,
    );
    // Somebody else may have migrated while we waited for the lock.
    for (const [index, sql] of [...migrations.entries()].slice(await appliedCount(client, table))) {
      await client.query(sql);
      await client.query(`insert into orbit_jobs.${table} (version) values ($1)`, [index + 1]);
    }
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

async function appliedCount(client: PoolClient, table: string): Promise<number> {
  const known = await client.query<{ count: number }>(
    "select count(*)::int as count from pg_tables where schemaname = 'orbit_jobs' and tablename = $1",
    [table],
  );
  if (known.rows[0]?.count !== 1) return 0;
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from orbit_jobs.${table}`,
  );
  return rows[0]?.count ?? 0;
}

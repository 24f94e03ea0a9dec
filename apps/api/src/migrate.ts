import type { Pool } from "pg";
import { type AppConfig, ConfigError } from "#src/config.ts";
import { openPool } from "#src/infrastructure/database.ts";
import { migrateApp, usedByApp } from "#src/infrastructure/migrate.ts";
import type { JobProvider } from "#src/jobs/application/job-provider.ts";
import {
  grantStatements,
  migrateWithRights,
  type UsedObjects,
} from "#src/jobs/infrastructure/sql/role-rights.ts";
import type { Logger } from "#src/kernel/logger.ts";
import { databaseProblem } from "#src/start-problems.ts";

type MigrateConfig = Pick<AppConfig, "databaseUrl" | "jobs">;

/**
 * Brings the tables of the app and of its jobs up to date, on a pool of its own. A database that is up to
 * date is only read.
 *
 * @throws ConfigError when the database cannot be used, or the role lacks a right
 */
export async function migrate(config: MigrateConfig, log: Logger): Promise<void> {
  const { provider } = config.jobs;
  await onPool(config, log, async (pool) => {
    await migrateWithRights(pool, await usedBy(provider), () => migrateAll(pool, provider));
  });
}

/**
 * Migrates, and returns the statements that give `role` the rights to run the app without owning its tables.
 *
 * @throws ConfigError when the database cannot be used, or has no such role
 */
export async function migrateAndGrant(
  config: MigrateConfig,
  role: string,
  log: Logger,
): Promise<readonly string[]> {
  const { provider } = config.jobs;
  return onPool(config, log, async (pool) => {
    const used = await usedBy(provider);
    await migrateWithRights(pool, used, () => migrateAll(pool, provider));
    const { rowCount } = await pool.query("select from pg_roles where rolname = $1", [role]);
    if (rowCount === 0) {
      throw new ConfigError([
        `The database server has no role "${role}". Create it first, with a password of your own: create role … login password '…'.`,
      ]);
    }
    return grantStatements(pool, role, used);
  });
}

async function migrateAll(pool: Pool, provider: JobProvider): Promise<void> {
  await migrateApp(pool);
  await provider.migrate(pool);
}

async function usedBy({ usedObjects }: JobProvider): Promise<UsedObjects> {
  const app = await usedByApp();
  return {
    schemas: usedObjects?.schemas ?? [],
    tables: app.tables,
    readOnly: [...app.readOnly, ...(usedObjects?.readOnly ?? [])],
  };
}

async function onPool<T>(
  { databaseUrl }: MigrateConfig,
  log: Logger,
  work: (pool: Pool) => Promise<T>,
): Promise<T> {
  // A migration may take long, and so may waiting for another instance's.
  const pool = openPool(databaseUrl, log, { queryTimeoutMs: 0 });
  try {
    return await work(pool);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw databaseProblem("DATABASE_URL", databaseUrl, cause);
  } finally {
    await pool.end();
  }
}

import type { AppConfig } from "#src/config.ts";
import { openPool } from "#src/infrastructure/database.ts";
import { migrateApp } from "#src/infrastructure/migrate.ts";
import type { Logger } from "#src/kernel/logger.ts";
import { databaseProblem } from "#src/start-problems.ts";

/**
 * Brings the tables of the app and of its jobs up to date, on a pool of its own.
 *
 * @throws ConfigError when the database cannot be used
 */
export async function migrate(
  { databaseUrl, jobs }: Pick<AppConfig, "databaseUrl" | "jobs">,
  log: Logger,
): Promise<void> {
  // A migration may take long, and so may waiting for another instance's.
  const pool = openPool(databaseUrl, log, { queryTimeoutMs: 0 });
  try {
    await migrateApp(pool);
    await jobs.provider.migrate(pool);
  } catch (cause) {
    throw databaseProblem("DATABASE_URL", databaseUrl, cause);
  } finally {
    await pool.end();
  }
}

import { runMigrations } from "graphile-worker";
import type { Pool } from "pg";
import { migrateCommon } from "../common-migrations.ts";
import { applyMigrations } from "../migrate.ts";
import { MIGRATIONS } from "./migrations.ts";

/** Brings graphile-worker's schema and ours (`orbit_jobs`) up to date; safe to run concurrently. */
export async function migrateGraphile(pool: Pool): Promise<void> {
  await runMigrations({ pgPool: pool, preset: { worker: { connectionString: "" } } });
  await migrateCommon(pool);
  await applyMigrations(pool, "migrations", MIGRATIONS);
}

import type { Pool } from "pg";
import { migrateCommon } from "../common-migrations.ts";
import { applyMigrations } from "../migrate.ts";
import { QSTASH_MIGRATIONS } from "./migrations.ts";

/** Brings the qstash provider's tables up to date; safe to run concurrently. */
export async function migrateQStash(pool: Pool): Promise<void> {
  await migrateCommon(pool);
  await applyMigrations(pool, "qstash_migrations", QSTASH_MIGRATIONS);
}

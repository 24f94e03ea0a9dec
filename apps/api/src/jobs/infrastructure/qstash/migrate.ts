import type { Pool } from "pg";
import { applyMigrations } from "../migrate.ts";
import { QSTASH_MIGRATIONS } from "./migrations.ts";

/** Brings the qstash provider's tables up to date; safe to run concurrently. */
export async function migrateQStash(pool: Pool): Promise<void> {
  await applyMigrations(pool, "qstash_migrations", QSTASH_MIGRATIONS);
}

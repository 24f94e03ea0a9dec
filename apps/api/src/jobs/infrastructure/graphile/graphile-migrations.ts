import { runMigrations } from "graphile-worker";
import { Pool } from "pg";
import type { ProviderObjects } from "../../application/job-provider.ts";
import type { SqlPool } from "../../application/ports.ts";
import {
  applyMigrations,
  COMMON_OBJECTS,
  commonMigrations,
  type MigrationSet,
} from "../sql/apply-migrations.ts";

/**
 * Our additions to graphile-worker. These files, `job-row.ts`, `cron-items.ts`, `recovery.ts` and
 * `worker-lease.ts` are all that uses graphile-worker's private tables. The reasons are in docs/adr/0005.
 */
const graphileMigrations: MigrationSet = {
  name: "graphile",
  folder: () => new URL("./migrations/", import.meta.url),
  engineSchema: "graphile_worker",
  baseline: { table: "migrations", versions: 4, sentinel: "workers" },
};

export const GRAPHILE_OBJECTS: ProviderObjects = {
  schemas: [...COMMON_OBJECTS.schemas, "graphile_worker"],
  readOnly: [...COMMON_OBJECTS.readOnly, "graphile_worker.migrations"],
};

/**
 * Brings graphile-worker's schema and ours (`orbit_jobs`) up to date. Safe in many processes at once.
 *
 * @throws TypeError if the pool is not a `Pool` of pg, which graphile-worker requires
 */
export async function migrateGraphile(pool: SqlPool): Promise<void> {
  if (!(pool instanceof Pool)) {
    throw new TypeError(
      "graphile-worker migrates with a Pool of the package pg only. Pass `new Pool(…)` to migrate().",
    );
  }
  // The empty connection string keeps graphile-worker from reading DATABASE_URL.
  await runMigrations({ pgPool: pool, preset: { worker: { connectionString: "" } } });
  await applyMigrations(pool, commonMigrations);
  await applyMigrations(pool, graphileMigrations);
}

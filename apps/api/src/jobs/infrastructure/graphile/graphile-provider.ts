import type { JobProvider, ProviderFromEnv } from "../../application/job-provider.ts";
import { pruneJob } from "../sql/maintenance.ts";
import { openOwnedPool } from "../sql/owned-pool.ts";
import { createEncodingCheck } from "../sql/text-encoding.ts";
import { graphileDeadJobs } from "./dead-jobs.ts";
import { graphileQueue, graphileTransactionJobs } from "./enqueue-jobs.ts";
import { GRAPHILE_OBJECTS, migrateGraphile } from "./graphile-migrations.ts";
import { graphileRuntime } from "./worker-runtime.ts";

// The benchmark starts plain graphile-worker with the same settings.
export { workerPreset } from "./worker-session.ts";

const DEFAULT_CONCURRENCY = 2;

export interface GraphileOptions {
  readonly databaseUrl: string;
  /** A direct or session-mode URL of the same database, where `databaseUrl` leads to a pooler. */
  readonly workerDatabaseUrl?: string | undefined;
  /** How many jobs one process runs at the same time. Default: 2. */
  readonly concurrency?: number | undefined;
}

/** Stores jobs in the app's Postgres and runs them with graphile-worker. */
export function graphile({
  databaseUrl,
  workerDatabaseUrl = databaseUrl,
  concurrency = DEFAULT_CONCURRENCY,
}: GraphileOptions): JobProvider {
  return {
    name: "graphile",
    unsupported: {},
    needsProcess: true,
    stopBeforeHttp: false,
    usedObjects: GRAPHILE_OBJECTS,
    runtimeDatabaseUrl: workerDatabaseUrl,
    migrate: migrateGraphile,
    openDatabase: () => openOwnedPool(databaseUrl),
    maintenance: (ports) => [pruneJob(ports)],
    bind(registry, { sql, log, settings }) {
      const { maxPayloadBytes, shutdownGraceMs } = settings;
      const isUtf8 = createEncodingCheck();
      return {
        queue: graphileQueue(registry, maxPayloadBytes, sql, isUtf8),
        in: (transaction) =>
          graphileTransactionJobs(registry, maxPayloadBytes, transaction, isUtf8),
        runtime: graphileRuntime(registry, {
          connectionString: workerDatabaseUrl,
          concurrency,
          shutdownGraceMs,
          log,
        }),
        deadJobs: graphileDeadJobs(sql, registry),
      };
    },
  };
}

/** Makes the provider from `DATABASE_URL`, `WORKER_DATABASE_URL` and `JOBS_CONCURRENCY`. */
export const graphileFromEnv: ProviderFromEnv = ({
  databaseUrl,
  workerDatabaseUrl,
  concurrency,
}) => {
  if (databaseUrl !== undefined) {
    return { ok: true, provider: graphile({ databaseUrl, workerDatabaseUrl, concurrency }) };
  }
  const problem = "JOBS_PROVIDER=graphile needs DATABASE_URL: a Postgres database.";
  return { ok: false, problems: [problem] };
};

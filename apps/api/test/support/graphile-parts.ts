import type { Pool } from "pg";
import { DEFAULT_SETTINGS } from "#src/jobs/application/create-jobs.ts";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { ProviderParts } from "#src/jobs/application/job-provider.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { type JobLogger, type SqlExecutor, systemClock } from "#src/jobs/application/ports.ts";
import { graphile } from "#src/jobs/infrastructure/graphile/graphile-provider.ts";
import { silentLog } from "./silent-log.ts";

export interface GraphilePartsOptions {
  /** The database that the runtime connects to. */
  readonly url: string;
  /** Runs the statements of the queue and of dead jobs. Without it, only the runtime works. */
  readonly pool?: Pool;
  readonly concurrency?: number;
  readonly shutdownGraceMs?: number;
  readonly log?: JobLogger;
}

/** The provider bound to these definitions alone: its hourly maintenance would disturb counts of jobs. */
export function graphileParts(
  definitions: readonly JobDefinition[],
  { url, pool, concurrency, shutdownGraceMs = 100, log = silentLog }: GraphilePartsOptions,
): ProviderParts {
  const provider = graphile({ databaseUrl: url, concurrency });
  const sql: SqlExecutor = {
    query: async (text, values) => {
      if (!pool) throw new Error("pass a pool");
      return pool.query(text, [...values]);
    },
  };
  const settings = { ...DEFAULT_SETTINGS, shutdownGraceMs };
  return provider.bind(buildJobs(definitions, provider), {
    sql,
    clock: systemClock,
    log,
    settings,
  });
}

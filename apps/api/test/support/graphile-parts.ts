import type { Pool } from "pg";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { ProviderParts } from "#src/jobs/application/job-provider.ts";
import type { JobLogger } from "#src/jobs/application/ports.ts";
import { graphile } from "#src/jobs/infrastructure/graphile/graphile-provider.ts";
import { bindProvider } from "./bind-provider.ts";

export interface GraphilePartsOptions {
  /** The database that the runtime connects to. */
  readonly url: string;
  /** Runs the statements of the queue and of dead jobs. Without it, only the runtime works. */
  readonly pool?: Pool;
  readonly concurrency?: number;
  /** Default: 100. */
  readonly shutdownGraceMs?: number;
  readonly log?: JobLogger;
}

/** graphile bound to exactly these jobs. */
export function graphileParts(
  definitions: readonly JobDefinition[],
  { url, pool, concurrency, shutdownGraceMs = 100, log }: GraphilePartsOptions,
): ProviderParts {
  return bindProvider(graphile({ databaseUrl: url, concurrency }), definitions, {
    ...(pool && { sql: { query: (text, values) => pool.query(text, [...values]) } }),
    ...(log && { log }),
    settings: { shutdownGraceMs },
  });
}

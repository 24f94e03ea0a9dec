import { JobsNotConfiguredError } from "../../application/job-errors.ts";
import type { JobProvider, ProviderFromEnv } from "../../application/job-provider.ts";
import type { BulkJobQueue } from "../../application/job-queue.ts";
import { applyMigrations, COMMON_OBJECTS, commonMigrations } from "../sql/apply-migrations.ts";

/** Refuses every job with `jobs.not_configured`, so that no caller expects it to run. */
const queue: BulkJobQueue = {
  enqueue: async (name) => {
    throw new JobsNotConfiguredError(name);
  },
  add: async (name) => {
    throw new JobsNotConfiguredError(name);
  },
  enqueueMany: async ([first]) => {
    if (first) throw new JobsNotConfiguredError(first.name);
  },
};

const NOT_SET =
  "JOBS_PROVIDER is not set: no job runs, and every enqueue is refused with 409. " +
  "Set it to graphile or qstash, or to noop if this app needs no jobs.";
const CHOSEN = "The jobs provider is noop: no job runs, and every enqueue is refused with 409.";

/**
 * The provider of an app without background work: it refuses every job and runs none.
 *
 * @param chosen whether the configuration names noop, rather than no provider
 */
export function noop({ chosen = true }: { readonly chosen?: boolean } = {}): JobProvider {
  const warning = chosen ? CHOSEN : NOT_SET;
  return {
    name: "noop",
    warning,
    // It runs no jobs, so it accepts every definition.
    unsupported: {},
    needsProcess: false,
    stopBeforeHttp: false,
    usedObjects: COMMON_OBJECTS,
    noWorkerReason: "A worker needs a provider: set JOBS_PROVIDER=graphile.",
    // The ledger works without a provider.
    migrate: (pool) => applyMigrations(pool, commonMigrations),
    maintenance: () => [],
    bind: (registry, { log }) => ({
      queue,
      in: () => ({ ...queue, ended: () => undefined, committed: async () => undefined }),
      runtime: {
        provider: "noop",
        connected: undefined,
        async start() {
          const scheduled = registry.filter(({ schedule }) => schedule).map(({ name }) => name);
          log.warn({ scheduled }, `${warning} ${scheduled.length} scheduled job(s) will not run.`);
        },
        stop: async () => undefined,
      },
      deadJobs: {
        list: async () => [],
        replay: async () => false,
        remove: async () => false,
      },
    }),
  };
}

export const noopFromEnv: ProviderFromEnv = ({ env }) => ({
  ok: true,
  provider: noop({ chosen: env["JOBS_PROVIDER"] !== undefined }),
});

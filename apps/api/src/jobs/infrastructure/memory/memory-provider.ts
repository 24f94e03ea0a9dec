import { TransactionEndedError } from "../../application/job-errors.ts";
import type {
  JobProvider,
  ProviderFromEnv,
  TransactionJobs,
} from "../../application/job-provider.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import { checkedQueue, type PreparedJob } from "../../application/prepare-enqueue.ts";
import { applyMigrations, COMMON_OBJECTS, commonMigrations } from "../sql/apply-migrations.ts";
import { pruneJob } from "../sql/maintenance.ts";
import { memoryDeadJobs } from "./dead-jobs.ts";
import { createMemoryRuntime } from "./memory-runtime.ts";
import { addJobs, createMemoryStore, type MemoryStore } from "./store.ts";

// The in-memory jobs of `testing/` are made of these parts. Other code uses `memory()` alone.
export { claimJob, nextDue, runStoredJob } from "./claim-to-settlement.ts";
export { memoryDeadJobs } from "./dead-jobs.ts";
export { createMemoryRuntime, type MemoryRuntime } from "./memory-runtime.ts";
export { makeTicks, nextTickAt, syncMemorySchedules } from "./schedules.ts";
export { addJobs, createMemoryStore, type MemoryStore } from "./store.ts";

export interface MemoryOptions {
  /** How many jobs run at a time. Default: 2. */
  readonly concurrency?: number | undefined;
  /** Where the jobs are. Providers that share a store share its jobs. Default: a store of its own. */
  readonly store?: MemoryStore;
}

/** Keeps jobs in the memory of this process, for development and tests. */
export function memory({
  concurrency = 2,
  store = createMemoryStore(),
}: MemoryOptions = {}): JobProvider {
  return {
    name: "memory",
    unsupported: {
      durable: "Jobs are kept in the memory of one process and end with it.",
      transactions:
        "A job is stored when its transaction has committed; a crash between the two loses it.",
    },
    needsProcess: true,
    stopBeforeHttp: false,
    usedObjects: COMMON_OBJECTS,
    noWorkerReason:
      "JOBS_PROVIDER=memory keeps jobs in the process that enqueues them, and runs them there. Run `npm start`.",
    migrate: (pool) => applyMigrations(pool, commonMigrations),
    maintenance: (ports) => [pruneJob(ports)],
    bind: (registry, { log, settings }) => ({
      queue: checkedQueue(registry, settings.maxPayloadBytes, async (jobs) => addJobs(store, jobs)),
      in: () => memoryTransaction(registry, store, settings.maxPayloadBytes),
      runtime: createMemoryRuntime(registry, {
        store,
        concurrency,
        shutdownGraceMs: settings.shutdownGraceMs,
        log,
      }),
      deadJobs: memoryDeadJobs(store, registry),
    }),
  };
}

export const memoryFromEnv: ProviderFromEnv = ({ env, concurrency }) => {
  if (/^prod(uction)?$/i.test(env["NODE_ENV"] ?? "")) {
    const problem =
      "JOBS_PROVIDER=memory loses every job with its process and is not for production: set graphile or qstash.";
    return { ok: false, problems: [problem] };
  }
  return { ok: true, provider: memory({ concurrency }) };
};

/** Memory takes no part in a transaction, so the jobs are stored after its commit. */
function memoryTransaction(
  registry: JobRegistry,
  store: MemoryStore,
  maxPayloadBytes: number,
): TransactionJobs {
  const prepared: PreparedJob[] = [];
  let hasEnded = false;
  return {
    ...checkedQueue(registry, maxPayloadBytes, async (jobs) => {
      if (hasEnded) throw new TransactionEndedError();
      prepared.push(...jobs);
      // The commit may absorb them.
      return jobs.map(({ id }) => ({ id, absorbed: false }));
    }),
    ended() {
      hasEnded = true;
    },
    async committed() {
      hasEnded = true;
      addJobs(store, prepared);
    },
  };
}

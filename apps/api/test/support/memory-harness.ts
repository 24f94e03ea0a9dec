import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { BulkJobQueue } from "#src/jobs/application/job-queue.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import type { JobRuntime } from "#src/jobs/application/job-runtime.ts";
import { checkedQueue } from "#src/jobs/application/prepare-enqueue.ts";
import {
  addJobs,
  createMemoryRuntime,
  createMemoryStore,
  makeTicks,
  memory,
  memoryDeadJobs,
  type MemoryRuntime,
  type MemoryStore,
  syncMemorySchedules,
} from "#src/jobs/infrastructure/memory/memory-provider.ts";
import type {
  ContractHarness,
  ContractWorld,
  RuntimeOptions,
} from "#src/jobs/testing/contract-harness.ts";
import { inMemoryJobsOn } from "#src/jobs/testing/in-memory-jobs.ts";
import { silentLog } from "./silent-log.ts";

export const memoryHarness: ContractHarness = {
  provider: memory(),
  open: async (definitions) =>
    openMemoryWorld(definitions, (store, known) =>
      checkedQueue(buildJobs(known), 1_048_576, async (jobs) => addJobs(store, jobs)),
    ),
};

/** The same provider behind the queue for tests of features. */
export const inMemoryJobsHarness: ContractHarness = {
  provider: memory(),
  open: async (definitions) =>
    openMemoryWorld(definitions, (store, known) => inMemoryJobsOn(store, known).queue),
};

function openMemoryWorld(
  definitions: readonly JobDefinition[],
  queueOn: (store: MemoryStore, known: readonly JobDefinition[]) => BulkJobQueue,
): ContractWorld {
  const store = createMemoryStore();
  const runtimes: MemoryRuntime[] = [];
  const queueOf = (known: readonly JobDefinition[]) => queueOn(store, known);
  const runtime = (options: RuntimeOptions = {}): JobRuntime => {
    const made = createMemoryRuntime(buildJobs(options.definitions ?? definitions), {
      store,
      concurrency: options.concurrency ?? 2,
      shutdownGraceMs: options.shutdownGraceMs ?? 100,
      log: options.log ?? silentLog,
    });
    runtimes.push(made);
    return made;
  };
  return {
    queue: queueOf(definitions),
    queueOf,
    runtime,
    async crash(running) {
      runtimes.find((candidate) => candidate === running)?.crash();
    },
    now: () => new Date(store.now()),
    elapse: async (seconds) => store.advance(seconds * 1_000),
    async missMinutes(minutes) {
      syncMemorySchedules(store, buildJobs(definitions));
      store.advance(minutes * 60_000);
    },
    ticks: async (definition, after, until) => memoryTicks(definition, after, until),
    dead: memoryDeadJobs(store, buildJobs(definitions)),
    deadJobs: async () => store.dead,
    waitingAfter: async (attempt) =>
      [...store.jobs.values()].filter(
        ({ owner, attempts }) => owner === undefined && attempts === attempt,
      ).length,
    pendingCount: async () => store.jobs.size,
    waitingCount: async () =>
      [...store.jobs.values()].filter(({ owner }) => owner === undefined).length,
    async close() {
      await Promise.all(runtimes.map((running) => running.stop()));
    },
  };
}

function memoryTicks(definition: JobDefinition, after: Date, until: Date): Date[] {
  const store = createMemoryStore({ now: () => after });
  const registry = buildJobs([definition]);
  syncMemorySchedules(store, registry);
  // A minute at a time, as a runtime asks, so that no tick counts as missed.
  while (store.now() < until.getTime()) {
    store.advance(Math.min(60_000, until.getTime() - store.now()));
    makeTicks(store, registry);
  }
  return [...store.jobs.values()].map(({ runAt }) => new Date(runAt));
}

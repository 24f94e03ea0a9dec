import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { JobQueue } from "#src/jobs/application/job-queue.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import type { JobRuntime } from "#src/jobs/application/job-runtime.ts";
import { memoryDeadJobs } from "#src/jobs/infrastructure/memory/memory-dead-jobs.ts";
import { memoryQueue } from "#src/jobs/infrastructure/memory/memory-job-queue.ts";
import { MemoryJobRuntime } from "#src/jobs/infrastructure/memory/memory-job-runtime.ts";
import { makeTicks, syncSchedules } from "#src/jobs/infrastructure/memory/memory-schedules.ts";
import {
  createMemoryStore,
  type MemoryStore,
} from "#src/jobs/infrastructure/memory/memory-store.ts";
import { memorySupport } from "#src/jobs/infrastructure/memory/memory-support.ts";
import type {
  ContractHarness,
  ContractWorld,
  RuntimeOptions,
} from "#src/jobs/testing/contract-harness.ts";
import { inMemoryJobsOn } from "#src/jobs/testing/in-memory-jobs.ts";
import { silentLog } from "./silent-log.ts";

export const memoryHarness: ContractHarness = {
  support: memorySupport,
  open: async (definitions) =>
    openMemoryWorld(definitions, (store, known) => memoryQueue(buildJobs(known), store, 1_048_576)),
};

/** The same provider behind the queue that tests of features use. */
export const inMemoryJobsHarness: ContractHarness = {
  support: memorySupport,
  open: async (definitions) =>
    openMemoryWorld(definitions, (store, known) => inMemoryJobsOn(store, known).queue),
};

function openMemoryWorld(
  definitions: readonly JobDefinition[],
  queueOn: (store: MemoryStore, known: readonly JobDefinition[]) => JobQueue,
): ContractWorld {
  const store = createMemoryStore();
  const runtimes: MemoryJobRuntime[] = [];
  const queueOf = (known: readonly JobDefinition[]) => queueOn(store, known);
  const runtime = (options: RuntimeOptions = {}): JobRuntime => {
    const made = new MemoryJobRuntime(buildJobs(options.definitions ?? definitions), {
      store,
      concurrency: options.concurrency ?? 2,
      shutdownGraceMs: options.shutdownGraceMs ?? 100,
      log: silentLog,
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
      syncSchedules(store, buildJobs(definitions));
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
  syncSchedules(store, registry);
  // As a runtime asks, which misses nothing: a back-fill is no matter of when ticks are.
  while (store.now() < until.getTime()) {
    store.advance(Math.min(60_000, until.getTime() - store.now()));
    makeTicks(store, registry);
  }
  return [...store.jobs.values()].map(({ runAt }) => new Date(runAt));
}

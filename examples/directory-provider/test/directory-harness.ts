import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import type { ContractHarness } from "#src/jobs/testing/contract-harness.ts";
import { directoryQueue } from "../src/directory-job-queue.ts";
import { DirectoryJobRuntime } from "../src/directory-job-runtime.ts";
import { directorySupport } from "../src/directory-support.ts";
import { prepareDirectory } from "../src/job-directory.ts";
import { countPending, listJobs } from "../src/list-jobs.ts";
import { silentLog } from "./silent-log.ts";

const noSchedules = () => Promise.reject(new Error(directorySupport.unsupported.schedules));

export const directoryHarness: ContractHarness = {
  provider: directorySupport,
  async open(definitions) {
    const root = await mkdtemp(path.join(tmpdir(), "orbit-directory-"));
    const directory = await prepareDirectory(root);
    let ahead = 0;
    const clock = { now: () => new Date(Date.now() + ahead) };
    const runtimes: DirectoryJobRuntime[] = [];
    const queueOf = (known: readonly JobDefinition[]) =>
      directoryQueue(buildJobs(known), { directory, clock, maxPayloadBytes: 1_048_576 });
    return {
      queue: queueOf(definitions),
      queueOf,
      runtime({ definitions: known = definitions, concurrency = 2, shutdownGraceMs = 100 } = {}) {
        const options = { directory, clock, concurrency, shutdownGraceMs, log: silentLog };
        const runtime = new DirectoryJobRuntime(buildJobs(known), options);
        runtimes.push(runtime);
        return runtime;
      },
      crash: async (runtime) => runtimes.find((one) => one === runtime)?.crash(),
      now: () => clock.now(),
      elapse: async (seconds) => void (ahead += seconds * 1_000),
      missMinutes: noSchedules,
      ticks: noSchedules,
      deadJobs: () => listJobs(directory.dead),
      waitingAfter: async (attempt) =>
        (await listJobs(directory.waiting)).filter(({ attempts }) => attempts === attempt).length,
      waitingCount: async () => (await listJobs(directory.waiting)).length,
      pendingCount: () => countPending(directory),
      async close() {
        await Promise.all(runtimes.map((runtime) => runtime.stop()));
        // What crashed may still be at it.
        await rm(root, { recursive: true, maxRetries: 5 });
      },
    };
  },
};

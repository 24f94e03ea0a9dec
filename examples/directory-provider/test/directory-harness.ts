import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DEFAULT_SETTINGS } from "#src/jobs/application/create-jobs.ts";
import type { JobDefinition, JobSchedule } from "#src/jobs/application/job-definition.ts";
import type { ProviderParts, ProviderPorts } from "#src/jobs/application/job-provider.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { systemClock } from "#src/jobs/application/ports.ts";
import type { ContractHarness } from "#src/jobs/testing/contract-harness.ts";
import { silentLog } from "#src/jobs/testing/helper-defaults.ts";
import { directory } from "../src/directory-provider.ts";
import { createDirectoryRuntime, type DirectoryRuntime } from "../src/directory-runtime.ts";
import {
  type JobDirectory,
  jobDirectory,
  namesIn,
  prepareDirectory,
  readJob,
  type StoredJob,
} from "../src/job-files.ts";
import { makeTicks, syncSchedules } from "../src/schedules.ts";

export const directoryHarness: ContractHarness = {
  provider: directory({ root: "." }),
  async open(definitions) {
    const { root, folders } = await temporaryDirectory();
    let ahead = 0;
    const clock = { now: () => new Date(Date.now() + ahead) };
    const bound = (known: readonly JobDefinition[]) => bindDirectory(root, known, { clock });
    const { queue, deadJobs } = bound(definitions);
    const runtimes: DirectoryRuntime[] = [];
    return {
      queue,
      queueOf: (known) => bound(known).queue,
      runtime({
        definitions: known = definitions,
        concurrency = 2,
        shutdownGraceMs = 100,
        log = silentLog,
      } = {}) {
        const options = { directory: folders, clock, concurrency, shutdownGraceMs, log };
        const runtime = createDirectoryRuntime(buildJobs(known), options);
        runtimes.push(runtime);
        return runtime;
      },
      crash: async (runtime) => runtimes.find((one) => one === runtime)?.crash(),
      now: () => clock.now(),
      elapse: async (seconds) => void (ahead += seconds * 1_000),
      async missMinutes(minutes) {
        await syncSchedules(folders, buildJobs(definitions), clock.now());
        ahead += minutes * 60_000;
      },
      ticks: ticksBetween,
      dead: deadJobs,
      deadJobs: async () => (await deadJobs.list(1_000)).toReversed(),
      waitingAfter: async (attempt) =>
        (await listJobs(folders.waiting)).filter(({ attempts }) => attempts === attempt).length,
      waitingCount: async () => (await listJobs(folders.waiting)).length,
      pendingCount: () => countPending(folders),
      async close() {
        await Promise.all(runtimes.map((runtime) => runtime.stop()));
        // Handlers of a crashed runtime may still be running.
        await rm(root, { recursive: true, maxRetries: 5 });
      },
    };
  },
};

export async function temporaryDirectory(): Promise<{
  readonly root: string;
  readonly folders: JobDirectory;
}> {
  const root = await mkdtemp(path.join(tmpdir(), "orbit-directory-"));
  const folders = jobDirectory(root);
  await prepareDirectory(folders);
  return { root, folders };
}

/** The provider's parts for these jobs, with short grace periods and no database. */
export function bindDirectory(
  root: string,
  definitions: readonly JobDefinition[],
  ports: Partial<Pick<ProviderPorts, "clock" | "log">> = {},
): ProviderParts {
  const provider = directory({ root });
  return provider.bind(buildJobs(definitions, provider), {
    sql: { query: () => Promise.reject(new Error("This test has no database.")) },
    clock: systemClock,
    log: silentLog,
    settings: { ...DEFAULT_SETTINGS, shutdownGraceMs: 100 },
    ...ports,
  });
}

/** The jobs of a folder, by the names of their files. */
export async function listJobs(folder: string): Promise<readonly StoredJob[]> {
  const jobs: StoredJob[] = [];
  for (const name of [...(await namesIn(folder))].sort()) {
    const job = await readJob(path.join(folder, name));
    if (job) jobs.push(job);
  }
  return jobs;
}

/** Counts the jobs that wait or run. */
export async function countPending({ waiting, running }: JobDirectory): Promise<number> {
  const workers = (await readdir(running)).map((worker) => path.join(running, worker));
  const met = new Set<string>();
  // Read the waiting jobs before and after: a job that moves meanwhile is met at least once.
  for (const folder of [waiting, ...workers, waiting]) {
    for (const { id } of await listJobs(folder)) met.add(id);
  }
  return met.size;
}

async function ticksBetween(job: JobDefinition, after: Date, until: Date): Promise<Date[]> {
  const { root, folders } = await temporaryDirectory();
  const backfill = until.getTime() - after.getTime();
  const schedule: JobSchedule | undefined = job.schedule && { ...job.schedule, backfill };
  const registry = buildJobs([{ ...job, schedule }]);
  await syncSchedules(folders, registry, after);
  const awaited = until.getTime();
  await makeTicks(folders, registry, folders.drafts, { now: until, awaited });
  const jobs = await listJobs(folders.waiting);
  await rm(root, { recursive: true });
  return jobs.map(({ runAt }) => new Date(runAt)).sort((one, other) => Number(one) - Number(other));
}

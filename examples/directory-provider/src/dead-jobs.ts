import { readdir, unlink } from "node:fs/promises";
import path from "node:path";
import { type DeadJob, type DeadJobs, replayable } from "#src/jobs/application/dead-jobs.ts";
import type { JobRegistry } from "#src/jobs/application/job-registry.ts";
import { deadName } from "./claim-to-settlement.ts";
import {
  type JobDirectory,
  providerError,
  readJob,
  type StoredJob,
  tryMove,
  unless,
} from "./job-files.ts";

/** The jobs in the folder of dead jobs. A replay moves a job's file back to the waiting jobs. */
export function directoryDeadJobs(directory: JobDirectory, registry: JobRegistry): DeadJobs {
  const fileOf = async (id: string) => {
    const name = (await readdir(directory.dead)).find((file) => file.endsWith(`-${id}`));
    return name === undefined ? undefined : path.join(directory.dead, name);
  };

  return {
    list: withProviderErrors(async (limit, after) => {
      const end = after && deadName(after.diedAt.getTime(), after.id);
      const jobs: DeadJob[] = [];
      for (const name of (await readdir(directory.dead)).sort().toReversed()) {
        if (jobs.length >= limit) break;
        if (end !== undefined && name >= end) continue;
        const job = viewOf(await readJob(path.join(directory.dead, name)));
        if (job) jobs.push(job);
      }
      return jobs;
    }),
    replay: withProviderErrors(async (id) => {
      const file = await fileOf(id);
      const job = file && (await readJob(file));
      if (!job) return false;
      replayable(registry, job);
      return tryMove(file, path.join(directory.waiting, id));
    }),
    remove: withProviderErrors(async (id) => {
      const file = await fileOf(id);
      if (!file) return false;
      const removed = unlink(file).then(() => true);
      return (await unless("ENOENT", removed)) ?? false;
    }),
  };
}

function viewOf(job: StoredJob | undefined): DeadJob | undefined {
  if (!job?.death) return undefined;
  const { id, name, version, attempts, maxAttempts } = job;
  const { lastError, stack } = job.death;
  const payload = JSON.stringify(job.payload);
  const diedAt = new Date(job.death.diedAt);
  return { id, name, version, payload, attempts, maxAttempts, lastError, stack, diedAt };
}

function withProviderErrors<A extends unknown[], R>(
  work: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  return async (...args) => {
    try {
      return await work(...args);
    } catch (error) {
      throw providerError(error);
    }
  };
}

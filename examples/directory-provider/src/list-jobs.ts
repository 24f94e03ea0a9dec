import { readdir } from "node:fs/promises";
import path from "node:path";
import { unless } from "./directory-errors.ts";
import type { JobDirectory } from "./job-directory.ts";
import { readJob, type StoredJob } from "./stored-job.ts";

/** The jobs of a folder, by the names of their files. */
export async function listJobs(folder: string): Promise<readonly StoredJob[]> {
  const names = (await unless("ENOENT", readdir(folder))) ?? [];
  const jobs: StoredJob[] = [];
  for (const name of names.sort()) {
    const job = await readJob(path.join(folder, name));
    if (job) jobs.push(job);
  }
  return jobs;
}

/** How many are not dead and not done, running or not. */
export async function countPending({ waiting, running }: JobDirectory): Promise<number> {
  const workers = (await readdir(running)).map((worker) => path.join(running, worker));
  const met = new Set<string>();
  // Waiting ones twice, before and after: a job that moves meanwhile is met at least once.
  for (const folder of [waiting, ...workers, waiting]) {
    for (const { id } of await listJobs(folder)) met.add(id);
  }
  return met.size;
}

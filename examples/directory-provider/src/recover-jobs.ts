import { readdir, rmdir } from "node:fs/promises";
import path from "node:path";
import { isOlderThan, type JobDirectory, tryMove } from "./job-directory.ts";
import { settleCutOff } from "./settle-job.ts";
import { readJob } from "./stored-job.ts";
import { LEASE_MS } from "./worker-lease.ts";

/** Gives back what dead workers had claimed. */
export async function recoverJobs(directory: JobDirectory, own: string, now: Date): Promise<void> {
  for (const worker of await readdir(directory.running)) {
    const theirs = path.join(directory.running, worker);
    if (theirs === own || !(await isOlderThan(theirs, LEASE_MS))) continue;
    for (const name of await readdir(theirs)) {
      // Moved here first: should this worker die as well, others find it in turn.
      const file = path.join(own, crypto.randomUUID());
      if (!(await tryMove(path.join(theirs, name), file))) continue;
      const job = await readJob(file);
      const how = { now, backOff: true };
      if (job)
        await settleCutOff(directory, { job, file }, "The worker died during this run.", how);
    }
    // Another worker may have removed it, or a worker that was only slow may have come back.
    await rmdir(theirs).catch(() => undefined);
  }
}

/** Gives back at once what a worker that stops has not finished. */
export async function releaseJobs(directory: JobDirectory, own: string, now: Date): Promise<void> {
  for (const name of await readdir(own)) {
    const file = path.join(own, name);
    const job = await readJob(file);
    const how = { now, backOff: false };
    const reason = "The worker stopped before this run ended.";
    if (job) await settleCutOff(directory, { job, file }, reason, how);
  }
}

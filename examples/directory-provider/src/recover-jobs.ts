import { readdir, rmdir } from "node:fs/promises";
import path from "node:path";
import { unless } from "./directory-errors.ts";
import { isOlderThan, type JobDirectory, tryMove } from "./job-directory.ts";
import { settleCutOff } from "./settle-job.ts";
import { readJob } from "./stored-job.ts";
import { LEASE_MS } from "./worker-lease.ts";

/** Moves what dead workers had claimed here: should this one die as well, others find it in turn. */
export async function adoptJobs({ running }: JobDirectory, own: string): Promise<void> {
  for (const worker of await readdir(running)) {
    const theirs = path.join(running, worker);
    if (theirs === own || !(await isOlderThan(theirs, LEASE_MS))) continue;
    for (const name of await namesIn(theirs)) {
      await tryMove(path.join(theirs, name), path.join(own, crypto.randomUUID()));
    }
    // Another worker may have removed it, or one that was only slow may have come back.
    await rmdir(theirs).catch(() => undefined);
  }
}

/** Gives back what is in a worker's directory and not in its hands. */
export async function giveBackJobs(
  directory: JobDirectory,
  own: string,
  inHand: { has(file: string): boolean },
  cause: { readonly reason: string; readonly now: Date; readonly backOff: boolean },
): Promise<void> {
  for (const name of await namesIn(own)) {
    const file = path.join(own, name);
    const job = inHand.has(file) ? undefined : await readJob(file);
    if (job) await settleCutOff(directory, { job, file }, cause);
  }
}

const namesIn = async (folder: string) => (await unless("ENOENT", readdir(folder))) ?? [];

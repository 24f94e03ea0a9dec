import { readdir } from "node:fs/promises";
import path from "node:path";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { findRunnable, type JobRegistry } from "#src/jobs/application/job-registry.ts";
import { type JobDirectory, replaceJob, tryMove } from "./job-directory.ts";
import { readJob, type StoredJob } from "./stored-job.ts";

/** A job whose file is in a worker's own directory. */
export interface ClaimedJob {
  readonly job: StoredJob;
  readonly file: string;
}

export interface RunnableJob extends ClaimedJob {
  readonly definition: JobDefinition;
}

/** The first job that is due and known, from now on in `own`: its key is free, its attempt counts. */
export async function claimJob(
  directory: JobDirectory,
  registry: JobRegistry,
  own: string,
  now: Date,
): Promise<RunnableJob | undefined> {
  const runnable = (job: StoredJob | undefined) =>
    job && job.runAt <= now.getTime() ? findRunnable(registry, job.name, job.version) : undefined;
  for (const slot of await readdir(directory.waiting)) {
    const waiting = path.join(directory.waiting, slot);
    if (!runnable(await readJob(waiting))) continue;
    const file = path.join(own, crypto.randomUUID());
    if (!(await tryMove(waiting, file))) continue;
    // Since it was read, the slot of a key may have passed on to another job.
    const job = await readJob(file);
    const definition = runnable(job);
    if (job && definition) {
      const begun = { ...job, attempts: job.attempts + 1 };
      await replaceJob(directory, file, begun);
      return { job: begun, file, definition };
    }
    // It waited all the while, so it also absorbs what was enqueued with its key meanwhile.
    await tryMove(file, waiting);
  }
  return undefined;
}

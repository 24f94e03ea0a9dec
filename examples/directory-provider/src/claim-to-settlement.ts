import { readdir, rename, rmdir, unlink } from "node:fs/promises";
import path from "node:path";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { findRunnable, type JobRegistry } from "#src/jobs/application/job-registry.ts";
import { backOffMs } from "#src/jobs/application/back-off.ts";
import type { RunOutcome } from "#src/jobs/application/run-job.ts";
import { storableStack, storableText } from "#src/jobs/infrastructure/common/storable-text.ts";
import {
  type Death,
  isOlderThan,
  type JobDirectory,
  namesIn,
  readJob,
  replaceJob,
  type StoredJob,
  tryLink,
  tryMove,
} from "./job-files.ts";

// The life of a stored job: claimed, run, and then completed, retried or buried.

/** A job whose file is in a worker's folder. */
export interface ClaimedJob {
  readonly job: StoredJob;
  readonly file: string;
}

export interface RunnableJob extends ClaimedJob {
  readonly definition: JobDefinition;
}

/** Moves the first due job of the registry to the folder `own`. Its attempt counts and its key is free. */
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
    // Another job with the same key may have taken the slot since the first read.
    const job = await readJob(file);
    const definition = runnable(job);
    if (job && definition) {
      const begun = begin(job);
      await replaceJob(directory, file, begun);
      return { job: begun, file, definition };
    }
    // The job kept its slot's name, so it goes back as if it had never moved.
    await tryMove(file, waiting);
  }
  return undefined;
}

/** Counts the attempt. A replayed job starts from its first attempt, without its key. */
function begin({ death, ...job }: StoredJob): StoredJob {
  return death ? { ...job, attempts: 1, slot: job.id } : { ...job, attempts: job.attempts + 1 };
}

/** Stores how a run ended, unless another worker has taken the job meanwhile. */
export async function settleJob(
  directory: JobDirectory,
  claimed: ClaimedJob,
  outcome: RunOutcome,
  now: Date,
): Promise<void> {
  if (!(await readJob(claimed.file))) return;
  switch (outcome.status) {
    case "succeeded":
      await unlink(claimed.file);
      break;
    case "failed":
      await putBack(directory, claimed, now.getTime() + backOffMs(claimed.job.attempts));
      break;
    case "dead":
      await bury(directory, claimed, outcome.error, now);
      break;
  }
}

/** Makes the job wait again with its key, or without it if another job has taken the key. */
async function putBack(
  directory: JobDirectory,
  { job, file }: ClaimedJob,
  runAt: number,
): Promise<void> {
  await replaceJob(directory, file, { ...job, runAt });
  const slot = path.join(directory.waiting, job.slot);
  if (await tryLink(file, slot)) return unlink(file);
  // After a crash between the two steps above, the slot already holds this job.
  const isOwn = (await readJob(slot))?.id === job.id;
  await rename(file, isOwn ? slot : path.join(directory.waiting, job.id));
}

async function bury(
  directory: JobDirectory,
  { job, file }: ClaimedJob,
  error: unknown,
  now: Date,
): Promise<void> {
  const [lastError, stack] = [storableText(error), storableStack(error)];
  const death: Death = { lastError, stack, diedAt: now.getTime() };
  await replaceJob(directory, file, { ...job, death });
  await rename(file, path.join(directory.dead, deadName(death.diedAt, job.id)));
}

/** Names of dead jobs sort by the time of death, then by id. */
export function deadName(diedAt: number, id: string): string {
  return `${String(diedAt).padStart(15, "0")}-${id}`;
}

/** A worker that has not touched its folder for this long is dead. */
const LEASE_MS = 3_000;

/** Moves the jobs of dead workers to the folder `own`. If this worker dies too, others find them there. */
export async function adoptJobs({ running }: JobDirectory, own: string): Promise<void> {
  for (const worker of await readdir(running)) {
    const theirs = path.join(running, worker);
    if (theirs === own || !(await isOlderThan(theirs, LEASE_MS))) continue;
    for (const name of await namesIn(theirs)) {
      await tryMove(path.join(theirs, name), path.join(own, crypto.randomUUID()));
    }
    // It fails if another worker has removed the folder, or if a slow worker has come back.
    await rmdir(theirs).catch(() => undefined);
  }
}

/** Gives back every job in a worker's folder, except those that are `inHand`. */
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

/** Settles a run whose end is unknown. It counted as an attempt, and another follows if any is left. */
async function settleCutOff(
  directory: JobDirectory,
  claimed: ClaimedJob,
  cause: { readonly reason: string; readonly now: Date; readonly backOff: boolean },
): Promise<void> {
  const { reason, now, backOff } = cause;
  const { job, file } = claimed;
  // Its worker died while it buried the job, or while it claimed a replayed one.
  if (job.death) return rename(file, path.join(directory.dead, deadName(job.death.diedAt, job.id)));
  if (job.attempts >= job.maxAttempts) return bury(directory, claimed, new Error(reason), now);
  const pause = backOff && job.attempts > 1 ? backOffMs(job.attempts) : 0;
  await putBack(directory, claimed, now.getTime() + pause);
}

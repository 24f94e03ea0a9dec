import { rename, unlink } from "node:fs/promises";
import path from "node:path";
import { backOffMs } from "#src/jobs/application/retry-policy.ts";
import type { RunOutcome } from "#src/jobs/application/run-job.ts";
import { storableText } from "#src/jobs/infrastructure/common/storable-text.ts";
import type { ClaimedJob } from "./claim-job.ts";
import { type JobDirectory, replaceJob, tryLink } from "./job-directory.ts";
import { readJob } from "./stored-job.ts";

/** Writes down what became of a run, unless the job was taken away meanwhile. */
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

/** A run that nobody will hear the end of: it has counted, and another follows if any is left. */
export async function settleCutOff(
  directory: JobDirectory,
  claimed: ClaimedJob,
  cause: { readonly reason: string; readonly now: Date; readonly backOff: boolean },
): Promise<void> {
  const { reason, now, backOff } = cause;
  const { attempts, maxAttempts } = claimed.job;
  if (attempts >= maxAttempts) return bury(directory, claimed, new Error(reason), now);
  const pause = backOff && attempts > 1 ? backOffMs(attempts) : 0;
  await putBack(directory, claimed, now.getTime() + pause);
}

/** Waits again with its key; without, where another job has taken the key since this one began. */
async function putBack(
  directory: JobDirectory,
  { job, file }: ClaimedJob,
  runAt: number,
): Promise<void> {
  await replaceJob(directory, file, { ...job, runAt });
  const slot = path.join(directory.waiting, job.slot);
  if (await tryLink(file, slot)) return unlink(file);
  // Its own file is there when a crash came between the two steps of the line above.
  const isOwn = (await readJob(slot))?.id === job.id;
  await rename(file, isOwn ? slot : path.join(directory.waiting, job.id));
}

async function bury(
  directory: JobDirectory,
  { job, file }: ClaimedJob,
  error: unknown,
  now: Date,
): Promise<void> {
  await replaceJob(directory, file, { ...job, lastError: storableText(error) });
  // By name in the order of their deaths.
  const died = String(now.getTime()).padStart(15, "0");
  await rename(file, path.join(directory.dead, `${died}-${job.id}`));
}

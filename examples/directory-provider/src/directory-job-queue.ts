import { rm } from "node:fs/promises";
import path from "node:path";
import { checkedQueue } from "#src/jobs/application/prepare-enqueue.ts";
import type { BulkJobQueue } from "#src/jobs/application/job-queue.ts";
import type { JobRegistry } from "#src/jobs/application/job-registry.ts";
import type { JobClock } from "#src/jobs/application/ports.ts";
import type { PreparedJob } from "#src/jobs/application/prepare-enqueue.ts";
import { providerError } from "./directory-errors.ts";
import { flushNames, type JobDirectory, tryLink, writeDraft } from "./job-directory.ts";
import { newJob } from "./stored-job.ts";

export interface DirectoryQueueOptions {
  readonly directory: JobDirectory;
  readonly clock: JobClock;
  readonly maxPayloadBytes: number;
}

/** Makes a file of each job. */
export function directoryQueue(
  registry: JobRegistry,
  options: DirectoryQueueOptions,
): BulkJobQueue {
  return checkedQueue(registry, options.maxPayloadBytes, (jobs) => storeJobs(jobs, options));
}

/** All are on the disk before the first can be seen: what may still fail is giving them names. */
async function storeJobs(
  prepared: readonly PreparedJob[],
  { directory, clock }: DirectoryQueueOptions,
): Promise<void> {
  const drafts: { readonly draft: string; readonly slot: string }[] = [];
  let enqueued = 0;
  try {
    for (const each of prepared) {
      const job = newJob(each, clock.now());
      drafts.push({ draft: await writeDraft(directory, job), slot: job.slot });
    }
    for (const { draft, slot } of drafts) {
      // A name that is taken is that of a key whose job waits: this one is absorbed.
      await tryLink(draft, path.join(directory.waiting, slot));
      enqueued += 1;
    }
    await flushNames(directory.waiting);
  } catch (error) {
    throw enqueued > 0 ? providerError(error).with({ enqueued }) : providerError(error);
  } finally {
    // What cannot be removed now is cleared by a later start.
    await Promise.allSettled(drafts.map(({ draft }) => rm(draft)));
  }
}

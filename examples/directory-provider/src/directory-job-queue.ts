import { rm } from "node:fs/promises";
import path from "node:path";
import type { EnqueueOptions, EnqueueRequest, JobQueue } from "#/jobs/application/job-queue.ts";
import type { JobRegistry } from "#/jobs/application/job-registry.ts";
import type { JobName, JobPayload } from "#/jobs/application/job-types.ts";
import type { JobClock } from "#/jobs/application/ports.ts";
import { type PreparedJob, prepareEnqueue } from "#/jobs/application/prepare-enqueue.ts";
import { providerError } from "./directory-errors.ts";
import { flushNames, type JobDirectory, tryLink, writeDraft } from "./job-directory.ts";
import { newJob } from "./stored-job.ts";

export interface DirectoryJobQueueOptions {
  readonly directory: JobDirectory;
  readonly clock: JobClock;
  readonly maxPayloadBytes: number;
}

/** Makes a file of each job. */
export class DirectoryJobQueue implements JobQueue {
  readonly #registry: JobRegistry;
  readonly #options: DirectoryJobQueueOptions;

  constructor(registry: JobRegistry, options: DirectoryJobQueueOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  async enqueue<N extends JobName>(
    name: N,
    payload: JobPayload<N>,
    options?: EnqueueOptions,
  ): Promise<void> {
    await this.#store([await this.#prepare(name, payload, options)]);
  }

  async enqueueMany(requests: readonly EnqueueRequest[]): Promise<void> {
    const prepared = requests.map(({ name, payload, options }) =>
      this.#prepare(name, payload, options),
    );
    await this.#store(await Promise.all(prepared));
  }

  #prepare(name: string, payload: unknown, options?: EnqueueOptions): Promise<PreparedJob> {
    const { maxPayloadBytes } = this.#options;
    return prepareEnqueue(this.#registry, maxPayloadBytes, name, payload, options);
  }

  /** All are on the disk before the first can be seen: what may still fail is giving them names. */
  async #store(prepared: readonly PreparedJob[]): Promise<void> {
    const { directory, clock } = this.#options;
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
}

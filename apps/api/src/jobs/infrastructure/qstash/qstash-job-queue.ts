import { JobsError } from "../../application/job-errors.ts";
import type { EnqueueOptions, EnqueueRequest, JobQueue } from "../../application/job-queue.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobName, JobPayload } from "../../application/job-types.ts";
import { type PreparedJob, prepareEnqueue } from "../../application/prepare-enqueue.ts";
import { inBatches } from "./batches.ts";
import { outgoingJob } from "./outgoing-job.ts";
import { type PublishPorts, publishJobs } from "./publish-jobs.ts";

export interface QStashJobQueueOptions extends PublishPorts {
  readonly maxPayloadBytes: number;
}

/** Publishes jobs to QStash, which delivers them to the webhook of this app. */
export class QStashJobQueue implements JobQueue {
  readonly #registry: JobRegistry;
  readonly #options: QStashJobQueueOptions;

  constructor(registry: JobRegistry, options: QStashJobQueueOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  async enqueue<N extends JobName>(
    name: N,
    payload: JobPayload<N>,
    options?: EnqueueOptions,
  ): Promise<void> {
    const { maxPayloadBytes } = this.#options;
    await this.#publish([
      await prepareEnqueue(this.#registry, maxPayloadBytes, name, payload, options),
    ]);
  }

  /**
   * All or none of every hundred: when a later hundred fails, the error's `details.enqueued` says how
   * many of the requests are in.
   */
  async enqueueMany(requests: readonly EnqueueRequest[]): Promise<void> {
    const { maxPayloadBytes } = this.#options;
    const jobs = await Promise.all(
      requests.map(({ name, payload, options }) =>
        prepareEnqueue(this.#registry, maxPayloadBytes, name, payload, options),
      ),
    );
    let enqueued = 0;
    for (const batch of inBatches(jobs)) {
      try {
        await this.#publish(batch);
      } catch (error) {
        throw enqueued > 0 && error instanceof JobsError ? error.with({ enqueued }) : error;
      }
      enqueued += batch.length;
    }
  }

  async #publish(jobs: readonly PreparedJob[]): Promise<void> {
    await publishJobs(await Promise.all(jobs.map(outgoingJob)), this.#options);
  }
}

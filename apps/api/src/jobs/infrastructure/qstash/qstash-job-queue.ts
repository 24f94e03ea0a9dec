import { checkedQueue } from "../../application/checked-queue.ts";
import type { JobQueue } from "../../application/job-queue.ts";
import { JobsError } from "../../application/job-errors.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import { inBatches } from "./batches.ts";
import { outgoingJob } from "./outgoing-job.ts";
import { type PublishPorts, publishJobs } from "./publish-jobs.ts";

export interface QStashJobQueueOptions extends PublishPorts {
  readonly maxPayloadBytes: number;
}

/**
 * Publishes jobs to QStash, which delivers them to the webhook of this app. `enqueueMany` is all or
 * none of every hundred: when a later hundred fails, the error's `details.enqueued` says how many of
 * the requests are in.
 */
export class QStashJobQueue implements JobQueue {
  readonly enqueue: JobQueue["enqueue"];
  readonly enqueueMany: JobQueue["enqueueMany"];

  constructor(registry: JobRegistry, { maxPayloadBytes, ...ports }: QStashJobQueueOptions) {
    const queue = checkedQueue(registry, maxPayloadBytes, async (jobs) => {
      let enqueued = 0;
      for (const batch of inBatches(jobs)) {
        try {
          await publishJobs(await Promise.all(batch.map(outgoingJob)), ports);
        } catch (error) {
          throw enqueued > 0 && error instanceof JobsError ? error.with({ enqueued }) : error;
        }
        enqueued += batch.length;
      }
    });
    this.enqueue = queue.enqueue;
    this.enqueueMany = queue.enqueueMany;
  }
}

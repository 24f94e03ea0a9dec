import { JobsNotConfiguredError } from "../../application/job-errors.ts";
import type { EnqueueRequest, JobQueue } from "../../application/job-queue.ts";
import type { JobName } from "../../application/job-types.ts";

/** The queue of an app without background work: refuses every job, so that none is thought done. */
export class NoopJobQueue implements JobQueue {
  async enqueue(name: JobName): Promise<void> {
    throw new JobsNotConfiguredError(name);
  }

  async enqueueMany(requests: readonly EnqueueRequest[]): Promise<void> {
    const [first] = requests;
    if (first) throw new JobsNotConfiguredError(first.name);
  }
}

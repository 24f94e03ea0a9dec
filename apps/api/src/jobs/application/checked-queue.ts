import type { JobQueue } from "./job-queue.ts";
import type { JobRegistry } from "./job-registry.ts";
import { type PreparedJob, prepareEnqueue } from "./prepare-enqueue.ts";

/** A queue that makes every check, and has `store` keep what passed: at least one job. */
export function checkedQueue(
  registry: JobRegistry,
  maxPayloadBytes: number,
  store: (jobs: readonly PreparedJob[]) => Promise<void>,
): JobQueue {
  return {
    async enqueue(name, payload, options) {
      await store([await prepareEnqueue(registry, maxPayloadBytes, name, payload, options)]);
    },
    async enqueueMany(requests) {
      const jobs = await Promise.all(
        requests.map(({ name, payload, options }) =>
          prepareEnqueue(registry, maxPayloadBytes, name, payload, options),
        ),
      );
      if (jobs.length > 0) await store(jobs);
    },
  };
}

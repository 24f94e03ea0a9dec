import type { JobRegistry } from "../../application/job-registry.ts";
import { type PreparedJob, prepareEnqueue } from "../../application/prepare-enqueue.ts";
import type { TransactionJobs } from "../../application/transactional-jobs.ts";
import { addJobs, type MemoryStore } from "./memory-store.ts";

/** Memory takes part in no transaction: its jobs are stored when it has committed. */
export function memoryTransaction(
  registry: JobRegistry,
  store: MemoryStore,
  maxPayloadBytes: number,
): TransactionJobs {
  const prepared: PreparedJob[] = [];
  return {
    queue: {
      async enqueue(name, payload, options) {
        prepared.push(await prepareEnqueue(registry, maxPayloadBytes, name, payload, options));
      },
      async enqueueMany(requests) {
        const jobs = await Promise.all(
          requests.map(({ name, payload, options }) =>
            prepareEnqueue(registry, maxPayloadBytes, name, payload, options),
          ),
        );
        prepared.push(...jobs);
      },
    },
    async committed() {
      addJobs(store, prepared);
    },
  };
}

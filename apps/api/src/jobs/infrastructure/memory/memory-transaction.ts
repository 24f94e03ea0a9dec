import { checkedQueue } from "../../application/checked-queue.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { PreparedJob } from "../../application/prepare-enqueue.ts";
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
    queue: checkedQueue(registry, maxPayloadBytes, async (jobs) => void prepared.push(...jobs)),
    committed: async () => addJobs(store, prepared),
  };
}

import { checkedQueue } from "../../application/checked-queue.ts";
import { TransactionEndedError } from "../../application/job-errors.ts";
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
  let hasEnded = false;
  return {
    queue: checkedQueue(registry, maxPayloadBytes, async (jobs) => {
      // Nobody would store it any more.
      if (hasEnded) throw new TransactionEndedError();
      prepared.push(...jobs);
    }),
    ended() {
      hasEnded = true;
    },
    async committed() {
      hasEnded = true;
      addJobs(store, prepared);
    },
  };
}

import { checkedQueue } from "../../application/checked-queue.ts";
import type { JobQueue } from "../../application/job-queue.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import { addJobs, type MemoryStore } from "./memory-store.ts";

/** Keeps jobs in the memory of this process, for its own {@link JobRuntime} to run. */
export function memoryQueue(
  registry: JobRegistry,
  store: MemoryStore,
  maxPayloadBytes: number,
): JobQueue {
  return checkedQueue(registry, maxPayloadBytes, async (jobs) => addJobs(store, jobs));
}

import type { EnqueueOptions, EnqueueRequest, JobQueue } from "../../application/job-queue.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobName, JobPayload } from "../../application/job-types.ts";
import { prepareEnqueue } from "../../application/prepare-enqueue.ts";
import { addJobs, type MemoryStore } from "./memory-store.ts";

/** Keeps jobs in the memory of this process, for its own {@link JobRuntime} to run. */
export class MemoryJobQueue implements JobQueue {
  readonly #registry: JobRegistry;
  readonly #store: MemoryStore;
  readonly #maxPayloadBytes: number;

  constructor(registry: JobRegistry, store: MemoryStore, maxPayloadBytes: number) {
    this.#registry = registry;
    this.#store = store;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  async enqueue<N extends JobName>(
    name: N,
    payload: JobPayload<N>,
    options?: EnqueueOptions,
  ): Promise<void> {
    const limit = this.#maxPayloadBytes;
    addJobs(this.#store, [await prepareEnqueue(this.#registry, limit, name, payload, options)]);
  }

  async enqueueMany(requests: readonly EnqueueRequest[]): Promise<void> {
    const jobs = await Promise.all(
      requests.map(({ name, payload, options }) =>
        prepareEnqueue(this.#registry, this.#maxPayloadBytes, name, payload, options),
      ),
    );
    addJobs(this.#store, jobs);
  }
}

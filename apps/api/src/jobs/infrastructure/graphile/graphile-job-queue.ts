import type { EnqueueOptions, EnqueueRequest, JobQueue } from "../../application/job-queue.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobName, JobPayload } from "../../application/job-types.ts";
import type { SqlExecutor } from "../../application/ports.ts";
import { prepareEnqueue } from "../../application/prepare-enqueue.ts";
import { insertJob, insertJobs } from "./enqueue-sql.ts";
import { providerError } from "./postgres-errors.ts";

export interface GraphileJobQueueOptions {
  readonly sql: SqlExecutor;
  readonly maxPayloadBytes: number;
}

/** Stores jobs in the app's own Postgres, for a {@link JobRuntime} anywhere to run. */
export class GraphileJobQueue implements JobQueue {
  readonly #registry: JobRegistry;
  readonly #options: GraphileJobQueueOptions;

  constructor(registry: JobRegistry, options: GraphileJobQueueOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  async enqueue<N extends JobName>(
    name: N,
    payload: JobPayload<N>,
    options?: EnqueueOptions,
  ): Promise<void> {
    const { sql, maxPayloadBytes } = this.#options;
    const job = await prepareEnqueue(this.#registry, maxPayloadBytes, name, payload, options);
    await insertJob(sql, job).catch(rethrowAsProviderError);
  }

  async enqueueMany(requests: readonly EnqueueRequest[]): Promise<void> {
    const { sql, maxPayloadBytes } = this.#options;
    const jobs = await Promise.all(
      requests.map(({ name, payload, options }) =>
        prepareEnqueue(this.#registry, maxPayloadBytes, name, payload, options),
      ),
    );
    if (jobs.length > 0) await insertJobs(sql, jobs).catch(rethrowAsProviderError);
  }
}

function rethrowAsProviderError(cause: unknown): never {
  throw providerError(cause);
}

import { checkedQueue } from "../../application/checked-queue.ts";
import type { JobQueue } from "../../application/job-queue.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { SqlExecutor } from "../../application/ports.ts";
import { insertJob, insertJobs } from "./enqueue-sql.ts";
import { providerError } from "./postgres-errors.ts";

export interface GraphileJobQueueOptions {
  readonly sql: SqlExecutor;
  readonly maxPayloadBytes: number;
}

/** Stores jobs in the app's own Postgres, for a {@link JobRuntime} anywhere to run. */
export class GraphileJobQueue implements JobQueue {
  readonly enqueue: JobQueue["enqueue"];
  readonly enqueueMany: JobQueue["enqueueMany"];

  constructor(registry: JobRegistry, { sql, maxPayloadBytes }: GraphileJobQueueOptions) {
    const queue = checkedQueue(registry, maxPayloadBytes, async (jobs) => {
      const [only, ...others] = jobs;
      const stored = only && others.length === 0 ? insertJob(sql, only) : insertJobs(sql, jobs);
      await stored.catch(rethrowAsProviderError);
    });
    this.enqueue = queue.enqueue;
    this.enqueueMany = queue.enqueueMany;
  }
}

function rethrowAsProviderError(cause: unknown): never {
  throw providerError(cause);
}

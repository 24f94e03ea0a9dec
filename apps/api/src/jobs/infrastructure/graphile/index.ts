import type { JobQueue } from "../../application/job-queue.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobRuntime } from "../../application/job-runtime.ts";
import { GraphileJobQueue, type GraphileJobQueueOptions } from "./graphile-job-queue.ts";
import { GraphileJobRuntime, type GraphileJobRuntimeOptions } from "./graphile-job-runtime.ts";

export { migrateGraphile } from "./migrate.ts";

/** The port for callers. */
export function graphileQueue(registry: JobRegistry, options: GraphileJobQueueOptions): JobQueue {
  return new GraphileJobQueue(registry, options);
}

/** What a process boots. */
export function graphileRuntime(
  registry: JobRegistry,
  options: GraphileJobRuntimeOptions,
): JobRuntime {
  return new GraphileJobRuntime(registry, options);
}

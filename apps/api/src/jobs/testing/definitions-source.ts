import type { JobDefinition } from "../application/job-definition.ts";
import type { BulkJobQueue } from "../application/job-queue.ts";
import { buildJobs, type JobRegistry } from "../application/job-registry.ts";

/** JOBS_MAX_PAYLOAD_BYTES where it is not set. */
export const DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576;

/** The jobs, or a function from the queue to them, for jobs whose core has the queue in it. */
export type DefinitionsSource<More extends readonly unknown[] = []> =
  | readonly JobDefinition[]
  | ((queue: BulkJobQueue, ...more: More) => readonly JobDefinition[]);

/** @throws Error what `buildJobs` finds wrong */
export function registryFrom<More extends readonly unknown[]>(
  source: DefinitionsSource<More>,
  queue: BulkJobQueue,
  ...more: More
): JobRegistry {
  return buildJobs(typeof source === "function" ? source(queue, ...more) : source);
}

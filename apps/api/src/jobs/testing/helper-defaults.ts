import { DEFAULT_SETTINGS } from "../application/create-jobs.ts";
import type { JobDefinition } from "../application/job-definition.ts";
import type { BulkJobQueue } from "../application/job-queue.ts";
import { buildJobs, type JobRegistry } from "../application/job-registry.ts";
import type { JobLogger } from "../application/ports.ts";

// Options and defaults that the helpers for tests share.

export const DEFAULT_MAX_PAYLOAD_BYTES = DEFAULT_SETTINGS.maxPayloadBytes;

/** Drops every line. A test reports its failures itself. */
export const silentLog: JobLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

/** The jobs, or a function from the queue to the jobs, for a core that holds the queue. */
export type DefinitionsSource<More extends readonly unknown[] = []> =
  | readonly JobDefinition[]
  | ((queue: BulkJobQueue, ...more: More) => readonly JobDefinition[]);

/** @throws Error that lists the problems which `buildJobs` finds */
export function registryFrom<More extends readonly unknown[]>(
  source: DefinitionsSource<More>,
  queue: BulkJobQueue,
  ...more: More
): JobRegistry {
  return buildJobs(typeof source === "function" ? source(queue, ...more) : source);
}

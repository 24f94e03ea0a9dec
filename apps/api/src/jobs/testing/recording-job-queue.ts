import type { JobDefinition } from "../application/job-definition.ts";
import { buildJobs, type JobRegistry } from "../application/job-registry.ts";
import type { JobName } from "../application/job-types.ts";
import { prepareEnqueue } from "../application/prepare-enqueue.ts";
import { DEFAULT_MAX_ATTEMPTS, DEFAULT_TIMEOUT_MS } from "../application/retry-policy.ts";
import {
  DEFAULT_MAX_PAYLOAD_BYTES,
  type DefinitionsSource,
  registryFrom,
} from "./definitions-source.ts";
import { recordEnqueues, type RecordingJobQueue } from "./enqueue-record.ts";

export type { RecordingJobQueue } from "./enqueue-record.ts";

export interface RecordingJobQueueOptions {
  /** Default: 1 MiB, the default of `JOBS_MAX_PAYLOAD_BYTES`. */
  readonly maxPayloadBytes?: number;
}

/**
 * A queue for tests of what is enqueued: it checks as every provider does, writes down, and runs
 * nothing. Without definitions, names and schemas are not checked; options, JSON and size are.
 *
 * @throws Error what `buildJobs` finds wrong with the definitions. `enqueue` rejects with the
 * errors of {@link JobQueue.enqueue}, and records nothing then.
 */
export function recordingJobQueue(
  definitions?: DefinitionsSource,
  { maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES }: RecordingJobQueueOptions = {},
): RecordingJobQueue {
  const queue = recordEnqueues(
    async (name, payload, options) =>
      prepareEnqueue(registry ?? anyJob(name), maxPayloadBytes, name, payload, options),
    async () => undefined,
  );
  const registry = definitions && registryFrom(definitions, queue);
  return queue;
}

/** A registry for whoever gave none: the job that is asked for, without a schema. */
function anyJob(name: string): JobRegistry {
  const definition: JobDefinition = {
    // The compiler has checked the name at the call.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    name: name as JobName,
    feature: undefined,
    maxAttempts: DEFAULT_MAX_ATTEMPTS,
    timeout: DEFAULT_TIMEOUT_MS,
    schedule: undefined,
    schema: undefined,
    version: 1,
    upgrade: undefined,
    priority: undefined,
    run: async () => undefined,
  };
  return buildJobs([definition]);
}

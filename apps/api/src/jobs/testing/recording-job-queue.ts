import type { JobDefinition } from "../application/job-definition.ts";
import type { AddedJob, BulkJobQueue, EnqueueOptions } from "../application/job-queue.ts";
import { buildJobs, type JobRegistry } from "../application/job-registry.ts";
import type { JobName, JobPayload } from "../application/job-types.ts";
import {
  onlyAnswer,
  type PreparedJob,
  prepareEnqueue,
  type StoreJobs,
} from "../application/prepare-enqueue.ts";
import { DEFAULT_MAX_ATTEMPTS, DEFAULT_TIMEOUT_MS } from "../application/job-limits.ts";
import {
  DEFAULT_MAX_PAYLOAD_BYTES,
  type DefinitionsSource,
  registryFrom,
} from "./helper-defaults.ts";

/** One accepted enqueue. A check of `name` gives `payload` its type. */
export type EnqueuedJob = {
  [N in JobName]: {
    readonly name: N;
    /** Converted to JSON and back, as the handler would get it. */
    readonly payload: JobPayload<N>;
    /** As given, or `{}`. */
    readonly options: EnqueueOptions;
  };
}[JobName];

/** A queue that records each enqueue that it accepts. */
export interface RecordingJobQueue extends BulkJobQueue {
  /** Every accepted enqueue, in order, including those that a `jobKey` absorbed. */
  readonly records: readonly EnqueuedJob[];
  /** The payloads of the job's enqueues, in order. */
  enqueued<N extends JobName>(name: N): readonly JobPayload<N>[];
  /** Forgets the records. Waiting jobs stay. */
  clear(): void;
}

export interface RecordingJobQueueOptions {
  /** Default: 1 MiB, the default of `JOBS_MAX_PAYLOAD_BYTES`. */
  readonly maxPayloadBytes?: number;
}

/**
 * A queue for tests of what is enqueued. It checks each job as a provider does, records it and runs
 * nothing, so that a key stays taken. Without definitions it accepts every name and checks no schema.
 *
 * @throws Error that lists the problems which `buildJobs` finds. `enqueue` rejects with the errors of
 * {@link JobQueue.enqueue}, and records nothing then.
 */
export function recordingJobQueue(
  definitions?: DefinitionsSource,
  { maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES }: RecordingJobQueueOptions = {},
): RecordingJobQueue {
  /** The id of the first job with a key, by name and key. */
  const holders = new Map<string, string>();
  const queue = recordEnqueues(
    async (name, payload, options) =>
      prepareEnqueue(registry ?? registryWith(name), maxPayloadBytes, name, payload, options),
    async (jobs) =>
      jobs.map(({ id, name, jobKey }): AddedJob => {
        if (jobKey === undefined) return { id, absorbed: false };
        const key = JSON.stringify([name, jobKey]);
        const holder = holders.get(key);
        if (holder !== undefined) return { id: holder, absorbed: true };
        holders.set(key, id);
        return { id, absorbed: false };
      }),
  );
  const registry = definitions && registryFrom(definitions, queue);
  return queue;
}

/** A registry with this one job, which has no schema. */
function registryWith(name: string): JobRegistry {
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

interface Request {
  readonly name: string;
  readonly payload: unknown;
  readonly options?: EnqueueOptions | undefined;
}

/** Checks every job of a call with `prepare`, records them all or none, and passes them to `send`. */
export function recordEnqueues(
  prepare: (name: string, payload: unknown, options?: EnqueueOptions) => Promise<PreparedJob>,
  send: StoreJobs,
): RecordingJobQueue {
  const records: EnqueuedJob[] = [];

  async function accept(requests: readonly Request[]): Promise<readonly AddedJob[]> {
    const jobs = await Promise.all(
      requests.map(({ name, payload, options }) => prepare(name, payload, options)),
    );
    for (const [index, job] of jobs.entries()) {
      records.push(recordOf(job, requests[index]?.options));
    }
    return send(jobs);
  }

  return {
    records,
    async enqueue(name, payload, options) {
      await accept([{ name, payload, options }]);
    },
    add: async (name, payload, options) => onlyAnswer(await accept([{ name, payload, options }])),
    async enqueueMany(requests) {
      if (requests.length > 0) await accept(requests);
    },
    enqueued<N extends JobName>(name: N): readonly JobPayload<N>[] {
      const payloads: unknown[] = records
        .filter((record) => record.name === name)
        .map(({ payload }) => payload);
      // The filter leaves only enqueues of the job N.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return payloads as readonly JobPayload<N>[];
    },
    clear() {
      records.length = 0;
    },
  };
}

function recordOf({ name, json }: PreparedJob, options: EnqueueOptions = {}): EnqueuedJob {
  const payload: unknown = JSON.parse(json);
  // The signature of `enqueue` bound the payload to the name.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { name, payload, options: structuredClone(options) } as EnqueuedJob;
}

import type { BulkJobQueue, EnqueueOptions } from "../application/job-queue.ts";
import type { JobName, JobPayload } from "../application/job-types.ts";
import type { PreparedJob } from "../application/prepare-enqueue.ts";

/** One enqueue as it was asked for; narrowing by `name` gives the payload its type. */
export type EnqueuedJob = {
  [N in JobName]: {
    readonly name: N;
    /** After its trip through JSON, as the handler would get it. */
    readonly payload: JobPayload<N>;
    /** As given, `{}` when there were none. */
    readonly options: EnqueueOptions;
  };
}[JobName];

/** A queue that writes down what it accepts. What it refuses is not written down. */
export interface RecordingJobQueue extends BulkJobQueue {
  /** Everything that was enqueued, in order. An enqueue that its `jobKey` absorbs is here too. */
  readonly records: readonly EnqueuedJob[];
  /** The payloads of the job's enqueues, in order. */
  enqueued<N extends JobName>(name: N): readonly JobPayload<N>[];
  /** Forgets what was recorded; jobs that wait go on waiting. */
  clear(): void;
}

interface Request {
  readonly name: string;
  readonly payload: unknown;
  readonly options?: EnqueueOptions | undefined;
}

/** Checks with `prepare`, writes down, and hands on to `send`: all of a call or nothing. */
export function recordEnqueues(
  prepare: (name: string, payload: unknown, options?: EnqueueOptions) => Promise<PreparedJob>,
  send: (jobs: readonly PreparedJob[]) => Promise<void>,
): RecordingJobQueue {
  const records: EnqueuedJob[] = [];

  async function accept(requests: readonly Request[]): Promise<void> {
    const jobs = await Promise.all(
      requests.map(({ name, payload, options }) => prepare(name, payload, options)),
    );
    for (const [index, job] of jobs.entries()) {
      records.push(recordOf(job, requests[index]?.options));
    }
    await send(jobs);
  }

  return {
    records,
    enqueue: (name, payload, options) => accept([{ name, payload, options }]),
    enqueueMany: accept,
    enqueued<N extends JobName>(name: N): readonly JobPayload<N>[] {
      const payloads: unknown[] = records
        .filter((record) => record.name === name)
        .map(({ payload }) => payload);
      // Only enqueues of the job N are left.
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

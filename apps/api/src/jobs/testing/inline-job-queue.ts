import { AsyncLocalStorage } from "node:async_hooks";
import { InvalidOptionsError, UnknownJobError } from "../application/job-errors.ts";
import { findJob } from "../application/job-registry.ts";
import type { JobLogger } from "../application/ports.ts";
import { type PreparedJob, prepareEnqueue } from "../application/prepare-enqueue.ts";
import { type JobDelivery, runJob } from "../application/run-job.ts";
import {
  DEFAULT_MAX_PAYLOAD_BYTES,
  type DefinitionsSource,
  registryFrom,
  silentLog,
} from "./helper-defaults.ts";
import { recordEnqueues, type RecordingJobQueue } from "./recording-job-queue.ts";

export interface InlineJobQueueOptions {
  /** Run jobs with a future `runAt` at once. Default: refuse them. */
  readonly ignoreRunAt?: boolean;
  /** How deep jobs may enqueue jobs inside jobs. Default: 50. */
  readonly maxDepth?: number;
  /** Default: 1 MiB, the default of `JOBS_MAX_PAYLOAD_BYTES`. */
  readonly maxPayloadBytes?: number;
  /** Default: a log that drops every line. */
  readonly log?: JobLogger;
}

/**
 * A queue for tests of a whole feature. `enqueue` checks the job as a provider does, runs it once and
 * resolves when it has ended. Jobs that it enqueues run inside of it. A `jobKey` absorbs nothing, since
 * no job ever waits.
 *
 * `enqueue` rejects with the value that the handler throws, with the errors of {@link JobQueue.enqueue},
 * with `jobs.invalid_options` for a future `runAt`, and if jobs nest too deep. `enqueueMany` checks every
 * entry, then runs them in order until one fails.
 *
 * @throws Error that lists the problems which `buildJobs` finds
 */
export function inlineJobQueue(
  definitions: DefinitionsSource,
  {
    ignoreRunAt = false,
    maxDepth = 50,
    maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES,
    log = silentLog,
  }: InlineJobQueueOptions = {},
): RecordingJobQueue {
  /** The jobs around the current enqueue, the outermost first. */
  const nesting = new AsyncLocalStorage<readonly string[]>();

  async function run({ id, name, json, maxAttempts }: PreparedJob): Promise<void> {
    const definition = findJob(registry, name);
    if (!definition) throw new UnknownJobError(name);
    const chain = [...(nesting.getStore() ?? []), name];
    if (chain.length > maxDepth) throw tooDeep(chain, maxDepth);
    const delivery: JobDelivery = {
      jobId: id,
      attempt: 1,
      maxAttempts,
      payload: JSON.parse(json),
      version: definition.version,
      signal: new AbortController().signal,
      log,
    };
    const outcome = await nesting.run(chain, () => runJob(definition, delivery));
    if (outcome.status !== "succeeded") throw outcome.thrown;
  }

  const queue = recordEnqueues(
    async (name, payload, options) => {
      const job = await prepareEnqueue(registry, maxPayloadBytes, name, payload, options);
      if (!ignoreRunAt && job.runAt && job.runAt.getTime() > Date.now()) throw runsTooEarly();
      return job;
    },
    async (jobs) => {
      for (const job of jobs) await run(job);
      return jobs.map(({ id }) => ({ id, absorbed: false }));
    },
  );
  const registry = registryFrom(definitions, queue);
  return queue;
}

function runsTooEarly(): InvalidOptionsError {
  return new InvalidOptionsError(
    "runAt",
    "lies in the future, but inlineJobQueue runs jobs at once. Use inMemoryJobs and advance(), " +
      "or pass { ignoreRunAt: true }",
  );
}

function tooDeep(chain: readonly string[], maxDepth: number): Error {
  const last = chain.slice(-4).join(" > ");
  return new Error(
    `Inline jobs nest more than ${maxDepth} deep (… > ${last}). Does a job enqueue itself for ever?`,
  );
}

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
} from "./definitions-source.ts";
import { recordEnqueues, type RecordingJobQueue } from "./enqueue-record.ts";
import { silentLog } from "./silent-log.ts";

export interface InlineJobQueueOptions {
  /** Run jobs with a `runAt` in the future at once as well. Default: such an enqueue is refused. */
  readonly ignoreRunAt?: boolean;
  /** How deep jobs that enqueue jobs may nest. Default: 50. */
  readonly maxDepth?: number;
  /** Default: 1 MiB, the default of `JOBS_MAX_PAYLOAD_BYTES`. */
  readonly maxPayloadBytes?: number;
  /** Default: a silent one. */
  readonly log?: JobLogger;
}

/**
 * A queue for tests of a feature with all its consequences: `enqueue` checks as every provider
 * does, then runs the job and resolves when it has ended. Jobs that it enqueues run inside of it.
 * Each gets its first attempt and no other. A `jobKey` absorbs nothing, since no job ever waits.
 *
 * @throws Error what `buildJobs` finds wrong with the definitions. `enqueue` rejects with what the
 * handler throws, as it is; with the errors of {@link JobQueue.enqueue}; with `jobs.invalid_options`
 * for a `runAt` in the future; and when jobs nest too deep. `enqueueMany` checks all entries, then
 * runs them in order and ends with the first that fails.
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
  /** The jobs inside of which an enqueue happens, the outermost first. */
  const nesting = new AsyncLocalStorage<readonly string[]>();

  async function run({ name, json, maxAttempts }: PreparedJob): Promise<void> {
    const definition = findJob(registry, name);
    if (!definition) throw new UnknownJobError(name);
    const chain = [...(nesting.getStore() ?? []), name];
    if (chain.length > maxDepth) throw tooDeep(chain, maxDepth);
    const delivery: JobDelivery = {
      jobId: crypto.randomUUID(),
      attempt: 1,
      maxAttempts,
      payload: JSON.parse(json),
      version: definition.version,
      signal: new AbortController().signal,
      log,
    };
    const outcome = await nesting.run(chain, () => runJob(definition, delivery));
    if (outcome.status !== "succeeded") throw outcome.error;
  }

  const queue = recordEnqueues(
    async (name, payload, options) => {
      const job = await prepareEnqueue(registry, maxPayloadBytes, name, payload, options);
      if (!ignoreRunAt && job.runAt && job.runAt.getTime() > Date.now()) throw notYet();
      return job;
    },
    async (jobs) => {
      for (const job of jobs) await run(job);
    },
  );
  const registry = registryFrom(definitions, queue);
  return queue;
}

function notYet(): InvalidOptionsError {
  return new InvalidOptionsError(
    "runAt",
    "lies in the future, and inlineJobQueue runs jobs at once: test this with inMemoryJobs and " +
      "advance(), or pass { ignoreRunAt: true }",
  );
}

function tooDeep(chain: readonly string[], maxDepth: number): Error {
  const last = chain.slice(-4).join(" > ");
  return new Error(
    `Inline jobs nest more than ${maxDepth} deep (… > ${last}): does a job enqueue itself for ever?`,
  );
}

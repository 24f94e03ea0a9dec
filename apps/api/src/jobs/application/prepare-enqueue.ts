import type { JobDefinition } from "./job-definition.ts";
import {
  InvalidOptionsError,
  InvalidPayloadError,
  PayloadTooLargeError,
  payloadIssues,
  UnknownJobError,
} from "./job-errors.ts";
import type { AddedJob, BulkJobQueue, EnqueueOptions } from "./job-queue.ts";
import { findJob, type JobRegistry } from "./job-registry.ts";
import { isAttemptCount, MAX_ATTEMPTS_LIMIT } from "./job-limits.ts";

/** A checked job on its way into storage. Every adapter stores this shape. */
export interface PreparedJob {
  /** A UUID for the job, for providers that take the id from the caller. */
  readonly id: string;
  readonly name: string;
  /** The payload's version. */
  readonly version: number;
  /** Lower numbers run first. */
  readonly priority: number;
  /** The payload as JSON text. */
  readonly json: string;
  readonly runAt: Date | undefined;
  readonly jobKey: string | undefined;
  readonly maxAttempts: number;
}

/**
 * Stores checked jobs, at least one: all of them or none. Answers for each job, in their order. Only
 * `add` needs the answer, and it stores one job. The answer for several jobs may be empty.
 */
export type StoreJobs = (jobs: readonly PreparedJob[]) => Promise<readonly AddedJob[]>;

/** A queue that checks every job and passes the checked ones to `store`. */
export function checkedQueue(
  registry: JobRegistry,
  maxPayloadBytes: number,
  store: StoreJobs,
): BulkJobQueue {
  return {
    async enqueue(name, payload, options) {
      await store([await prepareEnqueue(registry, maxPayloadBytes, name, payload, options)]);
    },
    async add(name, payload, options) {
      const job = await prepareEnqueue(registry, maxPayloadBytes, name, payload, options);
      return onlyAnswer(await store([job]));
    },
    async enqueueMany(requests) {
      const jobs = await Promise.all(
        requests.map(({ name, payload, options }) =>
          prepareEnqueue(registry, maxPayloadBytes, name, payload, options),
        ),
      );
      if (jobs.length > 0) await store(jobs);
    },
  };
}

/** The answer for the only job that was stored. */
export function onlyAnswer([added]: readonly AddedJob[]): AddedJob {
  if (added) return added;
  throw new Error("The provider stored the job and returned no answer for it.");
}

/**
 * Makes the checks that hold on every provider, before anything is sent.
 *
 * @throws UnknownJobError, InvalidOptionsError, InvalidPayloadError, PayloadTooLargeError
 */
export async function prepareEnqueue(
  registry: JobRegistry,
  maxPayloadBytes: number,
  name: string,
  payload: unknown,
  options: EnqueueOptions = {},
): Promise<PreparedJob> {
  const definition = findJob(registry, name);
  if (!definition) throw new UnknownJobError(name);
  checkOptions(options);
  const json = toJson(name, payload);
  const size = new TextEncoder().encode(json).length;
  if (size > maxPayloadBytes) throw new PayloadTooLargeError(name, size, maxPayloadBytes);
  // The handler sees the payload after JSON, so the schema must check that one.
  await parsePayload(definition, JSON.parse(json));
  return {
    id: crypto.randomUUID(),
    name: definition.name,
    version: definition.version,
    priority: definition.priority ?? 0,
    json,
    runAt: options.runAt,
    jobKey: options.jobKey,
    maxAttempts: options.maxAttempts ?? definition.maxAttempts,
  };
}

/** Returns the payload as its schema returns it. @throws InvalidPayloadError */
export async function parsePayload(definition: JobDefinition, payload: unknown): Promise<unknown> {
  if (!definition.schema) return payload;
  const result = await definition.schema["~standard"].validate(payload);
  if (result.issues) throw new InvalidPayloadError(definition.name, payloadIssues(result.issues));
  return result.value;
}

function toJson(name: string, payload: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(payload);
  } catch (cause) {
    const message = `JSON cannot carry it: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new InvalidPayloadError(name, [{ path: "", message }], { cause });
  }
  if (json === undefined) {
    throw new InvalidPayloadError(name, [
      { path: "", message: "it is missing, or JSON has no value for it" },
    ]);
  }
  return json;
}

function checkOptions({ runAt, jobKey, maxAttempts }: EnqueueOptions): void {
  if (runAt !== undefined && !(runAt instanceof Date && !Number.isNaN(runAt.getTime()))) {
    throw new InvalidOptionsError("runAt", "must be a valid Date");
  }
  // Every provider's own date format has room for four digits; Postgres has no year 0.
  if (runAt && (runAt.getUTCFullYear() < 1 || runAt.getUTCFullYear() > 9999)) {
    throw new InvalidOptionsError("runAt", "must lie between the years 1 and 9999");
  }
  if (
    jobKey !== undefined &&
    !(typeof jobKey === "string" && jobKey.length >= 1 && jobKey.length <= 512)
  ) {
    throw new InvalidOptionsError("jobKey", "must be a string of 1 to 512 characters");
  }
  if (maxAttempts !== undefined && !isAttemptCount(maxAttempts)) {
    throw new InvalidOptionsError(
      "maxAttempts",
      `must be an integer from 1 to ${MAX_ATTEMPTS_LIMIT}`,
    );
  }
}

import type { EnqueueOptions } from "./job-queue.ts";
import type { JobDefinition } from "./job-definition.ts";
import {
  InvalidOptionsError,
  InvalidPayloadError,
  PayloadTooLargeError,
  payloadIssues,
  UnknownJobError,
} from "./job-errors.ts";
import { findJob, type JobRegistry } from "./job-registry.ts";
import { isAttemptCount, MAX_ATTEMPTS_LIMIT } from "./retry-policy.ts";

/** A checked enqueue, in the form that adapters send. */
export interface PreparedJob {
  readonly definition: JobDefinition;
  /** The payload as JSON text. */
  readonly json: string;
  readonly runAt: Date | undefined;
  readonly jobKey: string | undefined;
  readonly maxAttempts: number;
}

/**
 * The checks that every provider makes before anything is sent.
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
  // The schema sees what the handler will see: the payload after its trip through JSON.
  await parsePayload(definition, JSON.parse(json));
  return {
    definition,
    json,
    runAt: options.runAt,
    jobKey: options.jobKey,
    maxAttempts: options.maxAttempts ?? definition.maxAttempts,
  };
}

/** The payload as its schema returns it. @throws InvalidPayloadError */
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
      { path: "", message: "it is missing, or nothing that JSON knows" },
    ]);
  }
  return json;
}

function checkOptions({ runAt, jobKey, maxAttempts }: EnqueueOptions): void {
  if (runAt !== undefined && !(runAt instanceof Date && !Number.isNaN(runAt.getTime()))) {
    throw new InvalidOptionsError("runAt", "must be a valid Date");
  }
  // Four digits of year are what every provider's own format has room for; Postgres has no year 0.
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

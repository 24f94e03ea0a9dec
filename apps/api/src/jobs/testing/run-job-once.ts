import type { JobDefinition } from "../application/job-definition.ts";
import { InvalidPayloadError, type PayloadIssue } from "../application/job-errors.ts";
import type { JobName, JobPayload, JsonValue } from "../application/job-types.ts";
import { type JobDelivery, runJob } from "../application/run-job.ts";
import { silentLog } from "./helper-defaults.ts";

/** The facts of the run that a test may set. */
export type RunOnceFacts = Partial<Omit<JobDelivery, "payload">>;

/** With a `version` in the facts, any JSON value; otherwise the job's payload. */
type PayloadFor<N extends JobName, Facts> = Facts extends { readonly version: number }
  ? JsonValue
  : JobPayload<N>;

/**
 * Runs a job's handler once, as a worker would: with JSON, schema and timeout. By default it is attempt 1
 * with the definition's `maxAttempts`, a log that drops every line, and a signal that only the timeout
 * aborts. With a `version` in `facts`, the payload has that version and goes through `upgrade`.
 *
 * @throws InvalidPayloadError if the schema refuses the payload, or if JSON would change it; `issues` lists
 * the paths
 * @throws unknown the value that the handler throws
 */
export async function runJobOnce<N extends JobName, Facts extends RunOnceFacts = RunOnceFacts>(
  definition: JobDefinition<N>,
  payload: NoInfer<PayloadFor<N, Facts>>,
  facts?: Facts,
): Promise<void> {
  const issues = jsonLosses(payload);
  if (issues.length > 0) throw new InvalidPayloadError(definition.name, issues);
  const outcome = await runJob(definition, {
    jobId: crypto.randomUUID(),
    attempt: 1,
    maxAttempts: definition.maxAttempts,
    version: definition.version,
    signal: new AbortController().signal,
    log: silentLog,
    ...facts,
    payload: JSON.parse(JSON.stringify(payload)),
  });
  if (outcome.status !== "succeeded") throw outcome.thrown;
}

/**
 * Lists what `JSON.parse(JSON.stringify(value))` would lose or change, with paths. An `undefined` property
 * is no loss, since the handler reads it as `undefined` too.
 */
function jsonLosses(value: unknown): PayloadIssue[] {
  return [...lossesOf(value, "", [])];
}

function* lossesOf(
  value: unknown,
  path: string,
  ancestors: readonly object[],
): Generator<PayloadIssue> {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) yield { path, message: `JSON turns ${value} into null` };
    return;
  }
  if (typeof value !== "object") {
    yield { path, message: primitiveLoss(value) };
    return;
  }
  if (ancestors.includes(value)) {
    yield { path, message: "JSON cannot carry an object that contains itself" };
    return;
  }
  const deeper = [...ancestors, value];
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    // Iterate by index, since JSON changes holes too.
    for (let index = 0; index < items.length; index += 1) {
      yield* lossesOf(items[index], join(path, index), deeper);
    }
    return;
  }
  const instance = classOf(value);
  if (instance !== undefined) {
    yield { path, message: `JSON does not keep ${instance}${hint(value)}` };
    return;
  }
  const [symbol] = Object.getOwnPropertySymbols(value);
  if (symbol) yield { path, message: `JSON drops the key ${String(symbol)}` };
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) yield* lossesOf(item, join(path, key), deeper);
  }
}

function primitiveLoss(value: unknown): string {
  if (typeof value === "bigint") return "JSON cannot carry a bigint; send a string";
  if (value === undefined)
    return "JSON turns undefined into null in a list, and drops it elsewhere";
  return `JSON cannot carry a ${typeof value}`;
}

/** Names the class of the value; `undefined` for a plain object. */
function classOf(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Compare with the Object.prototype of any realm: vitest can run tests in their own.
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return undefined;
  return `an instance of ${value.constructor.name || "a class"}`;
}

function hint(value: object): string {
  return value instanceof Date ? "; send the string of toISOString()" : "; send a plain object";
}

function join(path: string, key: string | number): string {
  return path === "" ? String(key) : `${path}.${key}`;
}

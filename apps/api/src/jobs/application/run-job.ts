import type { JobDefinition } from "./job-definition.ts";
import { PermanentJobError } from "./job-errors.ts";
import type { JobLogger } from "./ports.ts";
import { parsePayload } from "./prepare-enqueue.ts";

/** One delivery of a job by a provider. */
export interface JobDelivery {
  readonly jobId: string;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly payload: unknown;
  /** Which version of the job enqueued the payload; at most the definition's. */
  readonly version: number;
  /** Aborts when the provider takes the job away, e.g. at shutdown. */
  readonly signal: AbortSignal;
  readonly log: JobLogger;
}

/** What became of a run. The provider stores it; nothing is thrown. */
export type RunOutcome =
  | { readonly status: "succeeded" }
  /** Another attempt is due. */
  | { readonly status: "failed"; readonly error: unknown }
  /** No further attempt will be made. */
  | {
      readonly status: "dead";
      readonly reason: "permanent" | "exhausted";
      readonly error: unknown;
    };

/** The one path from a delivery to its handler, whatever the provider. */
export async function runJob(
  definition: JobDefinition,
  delivery: JobDelivery,
): Promise<RunOutcome> {
  const { jobId, attempt, maxAttempts } = delivery;
  const log = delivery.log.child({ job: definition.name, jobId, attempt });
  const started = performance.now();
  const outcome = await outcomeOf(definition, delivery, log);
  const ms = Math.round(performance.now() - started);
  switch (outcome.status) {
    case "succeeded":
      log.debug({ ms }, "job succeeded");
      break;
    case "failed":
      log.warn({ ms, maxAttempts, err: outcome.error }, "job failed, another attempt follows");
      break;
    case "dead":
      log.error({ ms, maxAttempts, reason: outcome.reason, err: outcome.error }, "job is dead");
      break;
  }
  return outcome;
}

async function outcomeOf(
  definition: JobDefinition,
  delivery: JobDelivery,
  log: JobLogger,
): Promise<RunOutcome> {
  let payload: unknown;
  try {
    payload = await parsePayload(definition, await upgraded(definition, delivery));
  } catch (error) {
    return { status: "dead", reason: "permanent", error };
  }
  try {
    await runWithin(definition.timeout, delivery.signal, (signal) =>
      definition.run(payload, {
        jobName: definition.name,
        jobId: delivery.jobId,
        attempt: delivery.attempt,
        maxAttempts: delivery.maxAttempts,
        signal,
        log,
      }),
    );
    return { status: "succeeded" };
  } catch (error) {
    if (error instanceof PermanentJobError) {
      return { status: "dead", reason: "permanent", error };
    }
    if (delivery.attempt >= delivery.maxAttempts) {
      return { status: "dead", reason: "exhausted", error };
    }
    return { status: "failed", error };
  }
}

async function upgraded(
  { name, version, upgrade }: JobDefinition,
  delivery: JobDelivery,
): Promise<unknown> {
  if (delivery.version === version) return delivery.payload;
  if (delivery.version > version || !upgrade) {
    throw new Error(
      `The payload of job "${name}" has version ${delivery.version}, the code ${version}.`,
    );
  }
  return upgrade(delivery.payload, delivery.version);
}

/**
 * Fails when the time is up, even if the handler does not listen to its signal. An outer abort only
 * reaches the handler: whether to wait for it is for the provider to decide.
 */
async function runWithin(
  timeout: number,
  outer: AbortSignal,
  run: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const forward = () => controller.abort(outer.reason);
  if (outer.aborted) forward();
  outer.addEventListener("abort", forward);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => {
        const message = `The run took longer than its timeout of ${timeout} ms.`;
        const error = new DOMException(message, "TimeoutError");
        reject(error);
        controller.abort(error);
      }, timeout);
      run(controller.signal).then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    outer.removeEventListener("abort", forward);
  }
}

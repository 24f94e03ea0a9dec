import type { JobDefinition } from "./job-definition.ts";
import { isPermanentJobError } from "./job-errors.ts";
import type { JobLogger } from "./ports.ts";
import { parsePayload } from "./prepare-enqueue.ts";
import { ignoreRejection, safeError } from "./safe-error.ts";
import {
  catchStrayErrors,
  inRunContext,
  type OnStrayError,
  strayErrorsReported,
} from "./stray-errors.ts";
import { unfailingLog } from "./unfailing-log.ts";

/** One delivery of a job by a provider. */
export interface JobDelivery {
  readonly jobId: string;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly payload: unknown;
  /** The payload's version, at most the definition's. */
  readonly version: number;
  /** Aborts when the provider takes the job away, for example at shutdown. */
  readonly signal: AbortSignal;
  readonly log: JobLogger;
}

/** How a run ended. The provider stores it. */
export type RunOutcome =
  | { readonly status: "succeeded" }
  /** Another attempt is due. */
  | ({ readonly status: "failed" } & RunError)
  /** No further attempt will be made. */
  | ({ readonly status: "dead"; readonly reason: "permanent" | "exhausted" } & RunError);

/** The fields of every log line about a job's run. `attempt` is missing before a run begins. */
export function runLogFields(job: string, jobId: string, attempt?: number) {
  return { job, jobId, ...(attempt !== undefined && { attempt }) };
}

interface RunError {
  /** A copy of the thrown value. It can be logged and stored. */
  readonly error: Error;
  /** The thrown value itself. Reading it may run any code, so only tests look at it. */
  readonly thrown: unknown;
}

/**
 * Runs one delivery. Every provider calls this. Never rejects. Neither the thrown value nor the log changes
 * how a run ends.
 */
export async function runJob(
  definition: JobDefinition,
  delivery: JobDelivery,
): Promise<RunOutcome> {
  const { jobId, attempt, maxAttempts } = delivery;
  const log = unfailingLog(delivery.log).child(runLogFields(definition.name, jobId, attempt));
  const stray = createStrayError(log);
  const stopCatching = catchStrayErrors();
  const started = performance.now();
  const outcome = await inRunContext(stray.report, () =>
    outcomeOf(definition, delivery, log, stray.first),
  );
  stray.runHasEnded();
  stopCatching();
  const ms = Math.round(performance.now() - started);
  switch (outcome.status) {
    case "succeeded":
      log.debug({ ms }, "job succeeded");
      break;
    case "failed":
      log.warn({ ms, maxAttempts, err: outcome.error }, "job failed, retrying");
      break;
    case "dead":
      log.error({ ms, maxAttempts, reason: outcome.reason, err: outcome.error }, "job is dead");
      break;
  }
  return outcome;
}

interface StrayError {
  readonly report: OnStrayError;
  /** Rejects with the first error that comes while the run goes on. */
  readonly first: Promise<never>;
  runHasEnded(): void;
}

/** The first error that nothing awaits fails the run. Later ones are logged. */
function createStrayError(log: JobLogger): StrayError {
  const { promise: first, reject } = Promise.withResolvers<never>();
  ignoreRejection(first);
  let later: string | undefined;
  return {
    first,
    report(error) {
      if (later !== undefined) return log.error({ err: safeError(error) }, later);
      later = "further error of the run that nothing awaited";
      reject(error);
    },
    runHasEnded() {
      later = "error that nothing awaited, after its run had ended";
    },
  };
}

async function outcomeOf(
  definition: JobDefinition,
  delivery: JobDelivery,
  log: JobLogger,
  strayError: Promise<never>,
): Promise<RunOutcome> {
  let payload: unknown;
  try {
    payload = await parsePayload(definition, await upgradePayload(definition, delivery));
  } catch (thrown) {
    return { status: "dead", reason: "permanent", error: safeError(thrown), thrown };
  }
  try {
    await runWithTimeout(definition.timeout, delivery.signal, strayError, (signal) =>
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
  } catch (thrown) {
    const error = safeError(thrown);
    if (isPermanentJobError(thrown)) return { status: "dead", reason: "permanent", error, thrown };
    if (delivery.attempt >= delivery.maxAttempts) {
      return { status: "dead", reason: "exhausted", error, thrown };
    }
    return { status: "failed", error, thrown };
  }
}

async function upgradePayload(
  { name, version, upgrade }: JobDefinition,
  delivery: JobDelivery,
): Promise<unknown> {
  if (delivery.version === version) return delivery.payload;
  if (delivery.version > version || !upgrade) {
    throw new Error(
      `The payload of job "${name}" has version ${delivery.version}; this code has version ${version}.`,
    );
  }
  return upgrade(delivery.payload, delivery.version);
}

/**
 * Rejects at the timeout or with the run's first stray error, even if the handler ignores its signal. An
 * outer abort only reaches the handler's signal; the provider decides whether to wait.
 */
async function runWithTimeout(
  timeout: number,
  outer: AbortSignal,
  strayError: Promise<never>,
  run: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const forward = () => controller.abort(outer.reason);
  if (outer.aborted) forward();
  outer.addEventListener("abort", forward);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: unknown) => {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- anything can be thrown
        reject(error);
        controller.abort(error);
      };
      timer = setTimeout(() => {
        const message = `The run exceeded its timeout of ${timeout} ms.`;
        fail(new DOMException(message, "TimeoutError"));
      }, timeout);
      strayError.catch(fail);
      // The handler may have left a promise behind that is rejected already.
      Promise.resolve(run(controller.signal)).then(
        () => strayErrorsReported().then(resolve),
        reject,
      );
    });
  } finally {
    clearTimeout(timer);
    outer.removeEventListener("abort", forward);
  }
}

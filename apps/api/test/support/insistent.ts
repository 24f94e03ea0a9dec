import { JobsError } from "#src/jobs/application/job-errors.ts";
import type { BulkJobQueue } from "#src/jobs/application/job-queue.ts";
import type { JobRuntime } from "#src/jobs/application/job-runtime.ts";

const TRIES = 8;
const PAUSE_MS = 50;

/** Retries a limited number of times while `isWorthIt` returns `true`. */
async function insist<T>(
  call: () => Promise<T>,
  isWorthIt: (error: unknown) => boolean,
  onRetry: () => void,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (tries === TRIES || !isWorthIt(error)) throw error;
      onRetry();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** A queue that retries enqueues while the provider is unavailable. */
export function insistentQueue(queue: BulkJobQueue, onRetry: () => void): BulkJobQueue {
  const isUnavailable = (error: unknown) =>
    error instanceof JobsError && error.code === "jobs.provider_unavailable";
  return {
    enqueue: (name, payload, options) =>
      insist(() => queue.enqueue(name, payload, options), isUnavailable, onRetry),
    add: (name, payload, options) =>
      insist(() => queue.add(name, payload, options), isUnavailable, onRetry),
    enqueueMany: (requests) => insist(() => queue.enqueueMany(requests), isUnavailable, onRetry),
  };
}

/** A runtime that retries a failed start until it is stopped, as a supervisor does. */
export function insistentRuntime(runtime: JobRuntime, onRetry: () => void): JobRuntime {
  let stops = 0;
  return {
    provider: runtime.provider,
    start() {
      const before = stops;
      return insist(
        () => runtime.start(),
        () => stops === before,
        onRetry,
      );
    },
    stop() {
      stops += 1;
      return runtime.stop();
    },
  };
}

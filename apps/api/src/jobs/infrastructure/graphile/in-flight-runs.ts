import { setImmediate } from "node:timers/promises";
import type { JobDefinition } from "../../application/job-definition.ts";

/** The runs that one worker session has in flight. */
export interface InFlightRuns {
  /** Counts a run until it settles. Its signal aborts with {@link InFlightRuns.abort}. */
  track<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Resolves when no run is in flight. */
  idle(): Promise<void>;
  /** Aborts the signals of all runs. */
  abort(): void;
  readonly aborted: boolean;
  /** Marks the jobs as lost: other workers may have them. Their runs must write nothing more. */
  disown(): void;
  readonly disowned: boolean;
}

export function createInFlightRuns(): InFlightRuns {
  const controller = new AbortController();
  let running = 0;
  let waiting: (() => void)[] = [];
  let disowned = false;
  return {
    get aborted() {
      return controller.signal.aborted;
    },
    get disowned() {
      return disowned;
    },
    async track(run) {
      running += 1;
      try {
        return await run(controller.signal);
      } finally {
        running -= 1;
        if (running === 0) {
          for (const resolve of waiting) resolve();
          waiting = [];
        }
      }
    },
    idle: () =>
      new Promise((resolve) => {
        if (running === 0) resolve();
        else waiting.push(resolve);
      }),
    abort: () => controller.abort(new DOMException("The worker is stopping.", "AbortError")),
    disown() {
      disowned = true;
    },
  };
}

/** How long handlers may compute, one after another, before the event loop gets a turn. */
const YIELD_AFTER_MS = 100;

/**
 * Lets the event loop run between handlers. Handlers that compute and never wait would otherwise follow
 * each other by the hundred, and hold back heartbeats, completions and requests.
 */
export function yieldBetweenRuns(definitions: readonly JobDefinition[]): JobDefinition[] {
  let lastYield = performance.now();
  const isDue = () => performance.now() - lastYield >= YIELD_AFTER_MS;

  async function yieldToEventLoop(): Promise<void> {
    while (isDue()) {
      const seen = lastYield;
      await setImmediate();
      // Another run that waited here may have gone first and computed since.
      if (lastYield === seen) lastYield = performance.now();
    }
  }

  return definitions.map((definition) => ({
    ...definition,
    // Checked right before the handler: other handlers may run at any earlier await.
    run: (payload, context) =>
      isDue()
        ? yieldToEventLoop().then(() => definition.run(payload, context))
        : definition.run(payload, context),
  }));
}

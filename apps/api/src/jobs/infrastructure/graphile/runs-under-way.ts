/** The handlers that one worker session has running. */
export interface RunsUnderWay {
  /** Runs one more; its signal aborts with {@link RunsUnderWay.abort}. */
  track<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Resolves when none is running. */
  idle(): Promise<void>;
  /** Tells all of them to come to an end. */
  abort(): void;
  readonly aborted: boolean;
  /** From now on their jobs belong to others. */
  disown(): void;
  readonly disowned: boolean;
}

export function createRunsUnderWay(): RunsUnderWay {
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

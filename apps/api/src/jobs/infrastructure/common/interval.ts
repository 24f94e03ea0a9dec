/** Repeated work that can be started and stopped. */
export interface Interval {
  start(): void;
  /** Resolves when the current round has ended. */
  stop(): Promise<void>;
}

/** Calls `work`, which must not reject, again and again, `pauseMs` after each round has ended. */
export function createInterval(pauseMs: number, work: () => Promise<unknown>): Interval {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let round: Promise<void> = Promise.resolve();
  let wanted = false;
  let busy = false;

  async function runRound(): Promise<void> {
    busy = true;
    await work();
    busy = false;
    if (wanted) schedule();
  }

  function schedule(): void {
    timer = setTimeout(() => {
      round = runRound();
    }, pauseMs);
  }

  return {
    start() {
      if (wanted) return;
      wanted = true;
      // If a round is still running, its end schedules the next one.
      if (!busy) schedule();
    },
    async stop() {
      wanted = false;
      clearTimeout(timer);
      await round;
    },
  };
}

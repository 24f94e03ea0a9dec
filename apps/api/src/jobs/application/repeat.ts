/** Something that is done again and again while it is wanted. */
export interface Repetition {
  start(): void;
  /** Resolves when what is under way has ended. */
  stop(): Promise<void>;
}

/** Does `work`, which must not reject, each time `pauseMs` after it was done the last time. */
export function repeat(pauseMs: number, work: () => Promise<unknown>): Repetition {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let underWay: Promise<void> = Promise.resolve();
  let wanted = false;
  let busy = false;

  async function workAndGoOn(): Promise<void> {
    busy = true;
    await work();
    busy = false;
    if (wanted) later();
  }

  function later(): void {
    timer = setTimeout(() => {
      underWay = workAndGoOn();
    }, pauseMs);
  }

  return {
    start() {
      if (wanted) return;
      wanted = true;
      // Else it goes on when it has done what it was at when it was stopped.
      if (!busy) later();
    },
    async stop() {
      wanted = false;
      clearTimeout(timer);
      await underWay;
    },
  };
}

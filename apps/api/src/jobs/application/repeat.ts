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

  async function workAndGoOn(): Promise<void> {
    await work();
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
      later();
    },
    async stop() {
      wanted = false;
      clearTimeout(timer);
      await underWay;
    },
  };
}

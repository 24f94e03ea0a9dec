/** What a run comes to whose instance could not wait for it. */
export const CUT_OFF = Symbol("cut off");

/** Whether deliveries are taken, and those that are under way. */
export interface Intake {
  readonly open: boolean;
  reopen(): void;
  /** Takes no more, gives those under way their grace, cuts off the rest, and resolves when all are answered. */
  close(graceMs: number): Promise<void>;
  /** One more; its signal aborts when its instance cannot wait for it any longer. */
  track<T>(deliver: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** The run's own outcome, or that it was cut off. */
  unlessCutOff<T>(run: Promise<T>): Promise<T | typeof CUT_OFF>;
}

export function createIntake(): Intake {
  let controller = new AbortController();
  let open = true;
  const underWay = new Set<Promise<unknown>>();
  return {
    get open() {
      return open;
    },
    reopen() {
      if (controller.signal.aborted) controller = new AbortController();
      open = true;
    },
    async close(graceMs) {
      open = false;
      const all = Promise.allSettled(underWay);
      const cut = controller;
      const timer = setTimeout(
        () => cut.abort(new DOMException("The instance is stopping.", "AbortError")),
        graceMs,
      );
      await all;
      clearTimeout(timer);
    },
    track(deliver) {
      const delivery = deliver(controller.signal).finally(() => underWay.delete(delivery));
      underWay.add(delivery);
      return delivery;
    },
    unlessCutOff(run) {
      const { signal } = controller;
      return new Promise((resolve, reject) => {
        const cutOff = () => resolve(CUT_OFF);
        if (signal.aborted) cutOff();
        signal.addEventListener("abort", cutOff);
        run.then(resolve, reject).finally(() => signal.removeEventListener("abort", cutOff));
      });
    },
  };
}

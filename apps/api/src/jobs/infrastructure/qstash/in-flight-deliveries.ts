/** The outcome of a run that its stopping instance no longer waits for. */
export const CUT_OFF = Symbol("cut off");

/** The deliveries that this process is handling, and whether it accepts more. */
export interface InFlightDeliveries {
  readonly open: boolean;
  reopen(): void;
  /** Accepts no more, cuts off what runs longer than `graceMs`, and resolves when all have ended. */
  close(graceMs: number): Promise<void>;
  /** Handles one delivery. Its signal aborts when the delivery is cut off. */
  track<T>(handle: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Resolves with the run's outcome, or with `CUT_OFF` as soon as it is cut off. */
  untilCutOff<T>(run: Promise<T>): Promise<T | typeof CUT_OFF>;
}

/** Open from the beginning: a serverless instance receives deliveries without a start. */
export function createInFlightDeliveries(): InFlightDeliveries {
  let controller = new AbortController();
  let open = true;
  const inFlight = new Set<Promise<unknown>>();
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
      const all = Promise.allSettled(inFlight);
      const cutting = controller;
      const timer = setTimeout(
        () => cutting.abort(new DOMException("The instance is stopping.", "AbortError")),
        graceMs,
      );
      await all;
      clearTimeout(timer);
    },
    track(handle) {
      const delivery = handle(controller.signal).finally(() => inFlight.delete(delivery));
      inFlight.add(delivery);
      return delivery;
    },
    untilCutOff(run) {
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

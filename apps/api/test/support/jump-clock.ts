import type { Clock, Timer } from "@orbit/qstash-dev";

interface Waiting {
  readonly at: number;
  readonly fire: () => void | Promise<void>;
  handle: ReturnType<typeof setTimeout>;
}

export interface JumpClock extends Clock {
  /** Moves the time on at once: whatever is due by then fires now, and sees the new time. */
  jump(ms: number): void;
}

/** The wall clock, which can also be moved on. */
export function jumpClock(): JumpClock {
  let offset = 0;
  const waiting = new Set<Waiting>();
  const now = () => Date.now() + offset;

  function arm(timer: Waiting): void {
    const left = Math.min(Math.max(0, timer.at - now()), 2 ** 31 - 1);
    timer.handle = setTimeout(() => {
      if (now() < timer.at) return arm(timer);
      waiting.delete(timer);
      void timer.fire();
    }, left);
  }

  return {
    now,
    setTimer(delayMs, fire): Timer {
      const timer = { at: now() + Math.max(0, delayMs), fire, handle: setTimeout(() => undefined) };
      waiting.add(timer);
      arm(timer);
      return {
        cancel() {
          clearTimeout(timer.handle);
          waiting.delete(timer);
        },
      };
    },
    jump(ms) {
      offset += ms;
      for (const timer of waiting) {
        clearTimeout(timer.handle);
        arm(timer);
      }
    },
  };
}

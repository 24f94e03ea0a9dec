import type { Clock, Timer } from "./clock.ts";

/** The longest wait that `setTimeout` can do. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** The wall clock, or one that runs `speed` times faster from the moment it is made. */
export function realClock(speed = 1): Clock {
  const origin = Date.now();
  const now = () => Math.floor(origin + (Date.now() - origin) * speed);

  function setTimer(delayMs: number, fire: () => void | Promise<void>): Timer {
    const due = now() + Math.max(0, delayMs);
    let handle: ReturnType<typeof setTimeout>;
    const wait = () => {
      const left = Math.min(Math.ceil((due - now()) / speed), LONGEST_WAIT_MS);
      // setTimeout can also be a millisecond early.
      handle = setTimeout(() => (now() < due ? wait() : void fire()), Math.max(0, left));
    };
    wait();
    return { cancel: () => clearTimeout(handle) };
  }

  return { now, setTimer, fromWall: (wallMs) => now() + (wallMs - Date.now()) };
}

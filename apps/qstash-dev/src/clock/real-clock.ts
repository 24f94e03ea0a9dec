import type { Clock, Timer } from "./clock.ts";

/** The longest wait that `setTimeout` can do. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** The wall clock, or one that runs `speed` times faster from the moment it is made. */
export function realClock(speed = 1): Clock {
  const origin = Date.now();
  const now = () => Math.floor(origin + (Date.now() - origin) * speed);
  return {
    now,
    speed,
    fromWall: (wallMs) => now() + (wallMs - Date.now()),
    setTimer: (delayMs, fire) => setLongTimer(Math.max(0, delayMs) / speed, fire),
  };
}

function setLongTimer(waitMs: number, fire: () => void | Promise<void>): Timer {
  let left = waitMs;
  let handle: ReturnType<typeof setTimeout>;
  const waitOn = () => {
    const step = Math.min(left, LONGEST_WAIT_MS);
    left -= step;
    handle = setTimeout(() => (left > 0 ? waitOn() : void fire()), Math.ceil(step));
  };
  waitOn();
  return { cancel: () => clearTimeout(handle) };
}

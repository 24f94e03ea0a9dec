/** A timer that has been set. */
export interface Timer {
  cancel(): void;
}

/** Where the engine gets its time from. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `fire` once, not before `delayMs` have passed on this clock. `fire` must not reject. */
  setTimer(delayMs: number, fire: () => void | Promise<void>): Timer;
  /** Where a moment that a caller names by the wall clock lies on this one. By default right there. */
  fromWall?(wallMs: number): number;
}

/**
 * What time callers think it is, for moments that they name in requests and answers. On a clock
 * that only tests move there is no time but its own.
 */
export function callersNow(clock: Clock, wallNow: number): number {
  return clock.fromWall ? wallNow : clock.now();
}

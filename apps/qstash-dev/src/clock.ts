/** A timer that has been set. */
export interface Timer {
  cancel(): void;
}

/** The engine's source of time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `fire` once, when `delayMs` have passed on this clock. `fire` must not reject. */
  setTimer(delayMs: number, fire: () => void | Promise<void>): Timer;
  /** Translates a wall-clock time to this clock. Without it, both clocks are the same. */
  fromWall?(wallMs: number): number;
}

/**
 * The time for comparing absolute dates in requests and answers: the virtual time of a clock that tests
 * move by hand, otherwise the wall clock's.
 */
export function callersNow(clock: Clock, wallNow: number): number {
  return clock.fromWall ? wallNow : clock.now();
}

/** The due time: the given wall-clock time, or else the end of the delay. Never in the past. */
export function dueAt(
  clock: Clock,
  options: { readonly notBefore: number | undefined; readonly delayMs: number | undefined },
): number {
  const now = clock.now();
  if (options.notBefore === undefined) return now + (options.delayMs ?? 0);
  return Math.max(now, clock.fromWall?.(options.notBefore) ?? options.notBefore);
}

/** The longest delay that `setTimeout` accepts. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** The wall clock, or a clock that runs `speed` times faster from now on. */
export function realClock(speed = 1): Clock {
  const origin = Date.now();
  const now = () => Math.floor(origin + (Date.now() - origin) * speed);

  function setTimer(delayMs: number, fire: () => void | Promise<void>): Timer {
    const due = now() + Math.max(0, delayMs);
    let handle: ReturnType<typeof setTimeout>;
    const wait = () => {
      const left = Math.min(Math.ceil((due - now()) / speed), LONGEST_WAIT_MS);
      // setTimeout can fire a millisecond early.
      handle = setTimeout(() => (now() < due ? wait() : void fire()), Math.max(0, left));
    };
    wait();
    return { cancel: () => clearTimeout(handle) };
  }

  return { now, setTimer, fromWall: (wallMs) => now() + (wallMs - Date.now()) };
}

type Moment = number | Date | (() => number);

interface Waiting {
  readonly at: number;
  readonly fire: () => void | Promise<void>;
}

/**
 * A clock that tests move by hand. Due timers run at once. Time stands still while they run, so a
 * delivery always finishes before the next timer fires.
 */
export class VirtualClock implements Clock {
  #now: number;
  /** Sorted by the time at which they fire. */
  #waiting: Waiting[] = [];
  #moving: Promise<void> = Promise.resolve();
  readonly #running = new Set<Promise<void>>();

  constructor(start: number | Date = Date.now()) {
    this.#now = Number(start);
  }

  now(): number {
    return this.#now;
  }

  setTimer(delayMs: number, fire: () => void | Promise<void>): Timer {
    const timer = { at: this.#now + Math.max(0, delayMs), fire };
    if (timer.at === this.#now) return this.#runSoon(timer);
    const before = this.#waiting.findLastIndex(({ at }) => at <= timer.at);
    this.#waiting.splice(before + 1, 0, timer);
    return { cancel: () => this.#remove(timer) };
  }

  /** Waits until everything that is due has finished. Deadlocks if a destination awaits it. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /**
   * Moves the time forward. Fires each timer on the way, in order and at its own time, and waits
   * until its work has finished. Deadlocks if a destination awaits it.
   */
  advance(ms: number): Promise<void> {
    return this.advanceTo(() => this.#now + ms);
  }

  /** Moves the time forward to a moment, as {@link advance} does. Never moves it back. */
  advanceTo(moment: Moment): Promise<void> {
    const move = this.#moveAfter(this.#moving, moment);
    this.#moving = move.catch(() => undefined);
    return move;
  }

  async #moveAfter(earlier: Promise<void>, moment: Moment): Promise<void> {
    await earlier;
    await this.settle();
    await this.#moveTo(typeof moment === "function" ? moment() : Number(moment));
  }

  /** When the next timer fires. */
  get nextTimerAt(): number | undefined {
    return this.#waiting[0]?.at;
  }

  async #moveTo(target: number): Promise<void> {
    for (let [timer] = this.#waiting; timer && timer.at <= target; [timer] = this.#waiting) {
      this.#remove(timer);
      this.#now = timer.at;
      this.#run(timer.fire);
      await this.settle();
    }
    this.#now = Math.max(this.#now, target);
  }

  #runSoon(timer: Waiting): Timer {
    let cancelled = false;
    this.#run(async () => {
      await Promise.resolve();
      if (!cancelled) await timer.fire();
    });
    return {
      cancel: () => {
        cancelled = true;
      },
    };
  }

  #run(fire: () => void | Promise<void>): void {
    const running = Promise.resolve(fire()).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #remove(timer: Waiting): void {
    this.#waiting = this.#waiting.filter((other) => other !== timer);
  }
}

import type { Clock, Timer } from "./clock.ts";

type Moment = number | Date | (() => number);

/** Kept in the order in which they fire. */
interface Waiting {
  readonly at: number;
  readonly fire: () => void | Promise<void>;
}

/**
 * A clock that only moves when it is told to. What is due runs at once; time stands still while it
 * runs, so that a delivery under way is always finished before the next timer fires.
 */
export class VirtualClock implements Clock {
  #now: number;
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

  /** Resolves when nothing that is due is left to do. A destination must not wait for it. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /**
   * Moves the time on, firing every timer on the way at its own time and in order, and waits for
   * what they started. A destination must not wait for it.
   */
  advance(ms: number): Promise<void> {
    return this.advanceTo(() => this.#now + ms);
  }

  /** Moves the time on to a moment, as {@link advance} does. The past leaves it where it is. */
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

  /** When the next timer fires, if there is one. */
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

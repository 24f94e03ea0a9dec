interface Entry {
  readonly id: string;
  readonly start: () => void;
}

/** A first-in, first-out line of messages. Its owner decides whether the next one may start. */
export class Lane {
  #waiting: Entry[] = [];
  #active = 0;
  #epoch = 0;
  readonly #mayStart: (active: number) => boolean;

  constructor(mayStart: (active: number) => boolean) {
    this.#mayStart = mayStart;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get active(): number {
    return this.#active;
  }

  /** Joins the line. Calls `start` once, with a function that gives the place up again. */
  enter(id: string, start: (leave: () => void) => void): void {
    this.#waiting.push({
      id,
      start: () => {
        const epoch = this.#epoch;
        start(once(() => this.#leave(epoch)));
      },
    });
    this.pump();
  }

  /** Counts no message as active any more. Those that run go on. */
  reset(): void {
    this.#epoch++;
    this.#active = 0;
    this.pump();
  }

  /** Removes a waiting message. Has no effect on one that has started. */
  withdraw(id: string): void {
    this.#waiting = this.#waiting.filter((entry) => entry.id !== id);
  }

  /** Starts every message that may start now. */
  pump(): void {
    while (this.#waiting.length > 0 && this.#mayStart(this.#active)) {
      const next = this.#waiting.shift();
      this.#active++;
      next?.start();
    }
  }

  #leave(epoch: number): void {
    if (epoch === this.#epoch) this.#active--;
    this.pump();
  }
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) {
      done = true;
      action();
    }
  };
}

/** A place in a queue. A message shares it with its callbacks: the last one to finish leaves. */
export class Slot {
  #holders = 1;
  readonly #leave: () => void;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  retain(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    if (--this.#holders === 0) this.#leave();
  }
}

interface Entry {
  readonly id: string;
  readonly start: () => void;
}

/** A line of messages that wait for their turn; the owner decides whether the next may go. */
export class Lane {
  #waiting: Entry[] = [];
  #active = 0;
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

  /** Joins the line. `start` is called once, with the place to be left exactly once. */
  enter(id: string, start: (leave: () => void) => void): void {
    this.#waiting.push({ id, start: () => start(once(() => this.#leave())) });
    this.pump();
  }

  /** Steps out of the line. Whoever has started stays. */
  withdraw(id: string): void {
    this.#waiting = this.#waiting.filter((entry) => entry.id !== id);
  }

  /** Lets go whoever may go now. */
  pump(): void {
    while (this.#waiting.length > 0 && this.#mayStart(this.#active)) {
      const next = this.#waiting.shift();
      this.#active++;
      next?.start();
    }
  }

  #leave(): void {
    this.#active--;
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

/** A place in a queue, held by a message and by the callbacks that it set off. */
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

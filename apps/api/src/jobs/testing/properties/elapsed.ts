/** How many milliseconds have passed for the jobs of a world, at least and at most. */
export interface Elapsed {
  readonly least: number;
  readonly most: number;
}

/**
 * The time of a world as far as one can tell from outside: what is measured, and what was made to
 * pass. Two bounds, so that a run is called too early, or late, only if it surely is.
 */
export class WorldTime {
  #least = 0;
  #most = 0;

  now(): Elapsed {
    const real = performance.now();
    return { least: real + this.#least, most: real + this.#most };
  }

  /** Something takes place in which up to so much time passes; the result says how much surely did. */
  async during(seconds: number, pass: () => Promise<unknown>, surely = seconds): Promise<void> {
    this.#most += seconds * 1_000;
    await pass();
    this.#least += surely * 1_000;
  }
}

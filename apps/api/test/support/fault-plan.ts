/** The number of injected faults, by name. */
export type Tally = Map<string, number>;

/** The faults of one case. */
export interface FaultPlan {
  /** Returns a number from 0 to 1. The same seed and case give the same numbers. */
  readonly random: () => number;
  /**
   * Whether faults also hit calls and runs in flight. A lost answer then repeats the enqueue or the run.
   */
  readonly anywhere: boolean;
  readonly count: (fault: string) => void;
}

/** A fault with this probability. Strikes at most `times` times, so that the case can end. */
export function limited(
  { random, count }: FaultPlan,
  fault: string,
  probability: number,
  times: number,
): () => boolean {
  let left = times;
  return () => {
    // Always draws a number, so that the limit of one fault does not change the others.
    const strikes = random() < probability && left > 0;
    if (!strikes) return false;
    left -= 1;
    count(fault);
    return true;
  };
}

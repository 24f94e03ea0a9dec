/** What went wrong on purpose, by its name, and how often. */
export type Tally = Map<string, number>;

/** How a case is made hard. */
export interface FaultPlan {
  /** From 0 to 1. The same again for the same seed and case. */
  readonly random: () => number;
  /**
   * Whether also what is under way is hit, so that a run's end or an enqueue's answer is lost and the
   * run or the enqueue is made once more.
   */
  readonly anywhere: boolean;
  readonly count: (fault: string) => void;
}

/** Strikes with this probability, and so often at most: a case must come to its end. */
export function limited(
  { random, count }: FaultPlan,
  fault: string,
  probability: number,
  times: number,
): () => boolean {
  let left = times;
  return () => {
    // Tossed in any case: what one fault comes to does not change the next one's luck.
    const strikes = random() < probability && left > 0;
    if (!strikes) return false;
    left -= 1;
    count(fault);
    return true;
  };
}

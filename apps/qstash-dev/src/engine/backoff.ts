const LONGEST_DELAY_MS = 86_400_000;

/** QStash's own back-off before retry `n`, counted from 1: 12 s, 2 m 28 s, 30 m, 6 h, a day. */
function defaultBackoffMs(n: number): number {
  return Math.min(LONGEST_DELAY_MS, Math.ceil(Math.exp(2.5 * n) * 1_000));
}

export interface RetryTiming {
  /** How many times the message was retried so far. */
  readonly retried: number;
  /** What the destination asked for, in milliseconds. */
  readonly askedForMs: number | undefined;
  readonly expression: ((retried: number) => number) | undefined;
}

/** How many whole milliseconds to wait after a failed attempt: the destination's wish, the publisher's, the default. */
export function retryDelayMs({ retried, askedForMs, expression }: RetryTiming): number {
  const fallback = defaultBackoffMs(retried + 1);
  if (askedForMs !== undefined) {
    return askedForMs <= LONGEST_DELAY_MS ? Math.ceil(askedForMs) : fallback;
  }
  if (!expression) return fallback;
  const delay = expression(retried);
  return Number.isNaN(delay) ? fallback : Math.min(LONGEST_DELAY_MS, Math.max(0, Math.ceil(delay)));
}

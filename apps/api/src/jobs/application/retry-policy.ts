export const DEFAULT_MAX_ATTEMPTS = 10;

/** Postgres keeps the number as a smallint; every provider has the same limit, so that jobs move. */
export const MAX_ATTEMPTS_LIMIT = 32_767;

export const DEFAULT_TIMEOUT_MS = 15 * 60 * 1000;

export const DEFAULT_BACKFILL_MS = 5 * 60 * 1000;

export function isAttemptCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_ATTEMPTS_LIMIT;
}

/** After failed attempt `n` the next run starts no sooner than this many milliseconds later. */
export function backOffMs(attempt: number): number {
  return 1_000 * Math.exp(Math.min(attempt, 10));
}

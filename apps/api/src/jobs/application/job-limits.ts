export const DEFAULT_MAX_ATTEMPTS = 10;

/** A Postgres smallint. The same limit everywhere, so that jobs can move between providers. */
export const MAX_ATTEMPTS_LIMIT = 32_767;

export const DEFAULT_TIMEOUT_MS = 15 * 60 * 1000;

export const DEFAULT_BACKFILL_MS = 5 * 60 * 1000;

export function isAttemptCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_ATTEMPTS_LIMIT;
}

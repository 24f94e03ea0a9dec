const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/gy;

/** Reads a duration such as `90s` or `1d10h30m` as whole milliseconds. */
export function parseDuration(text: string): number | undefined {
  let total = 0;
  let end = 0;
  for (const [part, amount, unit] of text.matchAll(PART)) {
    total += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
    end += part.length;
  }
  return end > 0 && end === text.length ? Math.ceil(total) : undefined;
}

const RETRY_AFTER_HEADERS = [
  "retry-after",
  "x-ratelimit-reset",
  "x-ratelimit-reset-requests",
  "x-ratelimit-reset-tokens",
];

/** How many milliseconds the destination asks to wait: in seconds, as a date or as a duration. */
export function parseRetryAfter(headers: Headers, wallNow: number): number | undefined {
  for (const name of RETRY_AFTER_HEADERS) {
    const delay = parseWait(headers.get(name)?.trim(), wallNow);
    if (delay !== undefined) return Math.max(0, delay);
  }
  return undefined;
}

function parseWait(value: string | undefined, wallNow: number): number | undefined {
  if (!value) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1_000;
  const duration = parseDuration(value);
  if (duration !== undefined) return duration;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : date - wallNow;
}

const LONGEST_DELAY_MS = 86_400_000;

/** QStash's back-off before retry `n`, counted from 1: 12 s, 2 m 28 s, 30 m, 6 h, a day. */
function defaultBackoffMs(n: number): number {
  return Math.min(LONGEST_DELAY_MS, Math.ceil(Math.exp(2.5 * n) * 1_000));
}

export interface RetryTiming {
  /** How many retries the message has had. */
  readonly retried: number;
  /** The wait that the destination asked for, in milliseconds. */
  readonly askedForMs: number | undefined;
  readonly expression: ((retried: number) => number) | undefined;
}

/**
 * How many whole milliseconds to wait after a failed attempt. The destination's request comes
 * first, then the publisher's expression, then QStash's back-off.
 */
export function retryDelayMs({ retried, askedForMs, expression }: RetryTiming): number {
  const fallback = defaultBackoffMs(retried + 1);
  if (askedForMs !== undefined) {
    return askedForMs <= LONGEST_DELAY_MS ? Math.ceil(askedForMs) : fallback;
  }
  if (!expression) return fallback;
  const delay = expression(retried);
  return Number.isNaN(delay) ? fallback : Math.min(LONGEST_DELAY_MS, Math.max(0, Math.ceil(delay)));
}

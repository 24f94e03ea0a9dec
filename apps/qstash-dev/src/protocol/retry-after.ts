import { parseDuration } from "#src/protocol/duration.ts";

const HEADERS = [
  "retry-after",
  "x-ratelimit-reset",
  "x-ratelimit-reset-requests",
  "x-ratelimit-reset-tokens",
];

/** How many milliseconds a destination asks to wait: seconds, an HTTP date or a duration. */
export function parseRetryAfter(headers: Headers, wallNow: number): number | undefined {
  for (const name of HEADERS) {
    const delay = parseValue(headers.get(name)?.trim(), wallNow);
    if (delay !== undefined) return Math.max(0, delay);
  }
  return undefined;
}

function parseValue(value: string | undefined, wallNow: number): number | undefined {
  if (!value) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1_000;
  const duration = parseDuration(value);
  if (duration !== undefined) return duration;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : date - wallNow;
}

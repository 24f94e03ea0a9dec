import { AppError } from "#src/kernel/errors.ts";

/** Limits on what clients may use of an HTTP process. docs/http-api.md repeats these numbers. */
export const SERVER_LIMITS = {
  /** Further connections are closed at once. */
  connections: 1_000,
  /** From the start of the connection, or the first byte of a later request, to the end of the headers. */
  headersTimeoutMs: 10_000,
  /** To the end of the body. The response may take longer, because a delivered job runs first. */
  requestTimeoutMs: 30_000,
  /**
   * How long a connection may be idle between requests. Load balancers keep theirs for 60 seconds. The
   * side that reuses connections must be the first to close them, or its requests meet closed ones.
   */
  keepAliveTimeoutMs: 65_000,
  /** How long a client may leave a ready response unread. */
  unreadTimeoutMs: 20_000,
  /** The request line with the names and values of all headers. */
  headerBytes: 16_384,
  headers: 100,
  /** The connection is closed after the last of these responses. */
  requestsPerConnection: 1_000,
} as const;

export type ServerLimits = { readonly [Limit in keyof typeof SERVER_LIMITS]: number };

/** The limit for a body without a job payload. */
export const SMALL_BODY_BYTES = 65_536;

/** The limit for a Stripe event. Real ones are smaller. */
export const STRIPE_EVENT_BYTES = 262_144;

/** Room for the name and options around a payload of the greatest allowed size. */
export const ENVELOPE_BYTES = 16_384;

/** The greatest length of request text that an error message quotes. */
export const SHOWN_CHARACTERS = 200;

const PAGE = 50;
const LONGEST_PAGE = 200;

/** Reads `?limit=` of a list. @throws AppError 422 `request.invalid` */
export function readPageLimit(text: string | undefined): number {
  const limit = text === undefined ? PAGE : /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (limit >= 1 && limit <= LONGEST_PAGE) return limit;
  const message = `"limit" must be a whole number from 1 to ${LONGEST_PAGE}.`;
  throw new AppError("request.invalid", 422, message);
}

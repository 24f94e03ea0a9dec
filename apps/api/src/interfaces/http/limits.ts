/** What clients may cost a process that serves HTTP. docs/http-api.md has these numbers, too. */
export const SERVER_LIMITS = {
  /** More are closed as they come; the next is served when one has gone. */
  connections: 1_000,
  /** From the connection, or the request before, to the end of the headers. */
  headersTimeoutMs: 10_000,
  /** To the end of the body. The answer may take longer: a delivered job runs that long. */
  requestTimeoutMs: 30_000,
  /** What a connection may be idle between requests. */
  keepAliveTimeoutMs: 5_000,
  /** For how long a client may take nothing of an answer that is there for it. */
  unreadTimeoutMs: 20_000,
  /** Names and values of all headers, with the request line. */
  headerBytes: 16_384,
  headers: 100,
  /** Then the connection is closed, after the answer. */
  requestsPerConnection: 1_000,
} as const;

export type ServerLimits = { readonly [Limit in keyof typeof SERVER_LIMITS]: number };

/** Of a body that holds no payload of a job. */
export const SMALL_BODY_BYTES = 65_536;

/** Of an event of Stripe, which has less than that. */
export const STRIPE_EVENT_BYTES = 262_144;

/** Room for the name and the options around a payload of the greatest size. */
export const ENVELOPE_BYTES = 16_384;

/** How much of what came is shown in the message of an error. */
export const SHOWN_CHARACTERS = 200;

import {
  type JobsError,
  ProviderRejectedError,
  ProviderUnavailableError,
  TransactionEndedError,
} from "../../application/job-errors.ts";

/**
 * Worth trying again: connection trouble, resources exhausted, shutdown or start-up, a cancelled or
 * timed-out query, a deadlock or failed serialisation, a lock not had, a standby.
 */
const UNAVAILABLE_SQLSTATE = /^(08|40|53|57|55P03|25006)/;

const BROKEN_SQLSTATE = /^(08|57P0[12])/;

/** Of Node's sockets, and of pg's pool, which has two ways to say that connecting took too long. */
const NOT_CONNECTED = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|when trying to connect|connection timeout/;

/** A database error as the contract's error; the original is kept in `cause`. */
export function providerError(cause: unknown): JobsError {
  if (cause instanceof TransactionEndedError) return cause;
  const { sqlState, text } = describe(cause);
  return sqlState !== undefined && !UNAVAILABLE_SQLSTATE.test(sqlState)
    ? new ProviderRejectedError("graphile", text, { cause })
    : new ProviderUnavailableError("graphile", text, { cause });
}

/**
 * Whether a statement that failed so may have been carried out all the same: the connection broke, or the
 * answer took too long. What the server refused, and what found no connection, was not.
 */
export function mayHaveBeenDone(cause: unknown): boolean {
  const { sqlState, text } = describe(cause);
  return sqlState === undefined ? !NOT_CONNECTED.test(text) : BROKEN_SQLSTATE.test(sqlState);
}

/** One line about a database error. Connection strings never stand in pg's messages. */
export function describePostgresError(cause: unknown): string {
  return describe(cause).text;
}

/** Errors of Node's sockets and of pg's own time-outs have no SQLSTATE. */
function describe(cause: unknown): { sqlState?: string; text: string } {
  // Node's connect tries every address of a name and may give one error for all, without a message.
  const error = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  if (!(error instanceof Error)) return { text: String(error) };
  // Drizzle and friends wrap the database's error.
  if (!("code" in error) && error.cause instanceof Error) return describe(error.cause);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  // Only what the server said has a severity: "EPIPE" looks like a SQLSTATE too.
  const isFromServer = "severity" in error;
  return { text: error.message || code, ...(isFromServer && { sqlState: code }) };
}

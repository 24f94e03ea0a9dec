import {
  InvalidPayloadError,
  type JobsError,
  ProviderRejectedError,
  ProviderUnavailableError,
  TransactionEndedError,
} from "../../application/job-errors.ts";
import { safeError } from "../../application/safe-error.ts";

/**
 * SQLSTATEs of errors that may be gone at a later try: connection trouble (08), a deadlock or failed
 * serialisation (40), exhausted resources (53), shutdown or a cancelled query (57), a lock not available, a
 * standby.
 */
const UNAVAILABLE_SQLSTATE = /^(08|40|53|57|55P03|25006)/;

const BROKEN_SQLSTATE = /^(08|57P0[12])/;

/** A table, schema or function of ours is not there. */
const NOT_MIGRATED = /^(42P01|3F000|42883)$/;

/** The database's encoding lacks a character, or its bytes are no text at all. */
const UNSTORABLE_TEXT = /^(22P05|22021)$/;

/** The values of the statement are at fault (22), or they are too large (54). */
const REFUSED_DATA = /^(22|54)/;

/** Error codes of Node's sockets. */
const SOCKET = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/;

/** A stopped server has no socket file. Other ENOENT errors come from handlers that read files. */
const NO_SOCKET_FILE = /^connect E(NOENT|ACCES) /;

/** pg's own errors have no code. */
const PG_MESSAGE =
  /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|connection timeout|Query read timeout/;

/** Errors that come before the statement reaches the server. pg's pool has two texts for a slow connect. */
const NOT_CONNECTED =
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|^connect E|when trying to connect|connection timeout/;

/** Converts a database error to the contract's error, with the original as `cause`. */
export function providerError(provider: string, cause: unknown): JobsError {
  if (cause instanceof TransactionEndedError) return cause;
  const { sqlState, text } = describe(cause);
  if (sqlState !== undefined && NOT_MIGRATED.test(sqlState)) {
    const what = "the database lacks its tables. Run `npm run db:migrate`";
    return new ProviderUnavailableError(provider, what, { cause });
  }
  if (sqlState === "42501") {
    const what = `${text}. \`npm run db:migrate -- --grants ROLE\` prints the rights that a role needs`;
    return new ProviderRejectedError(provider, what, { cause });
  }
  return sqlState !== undefined && !UNAVAILABLE_SQLSTATE.test(sqlState)
    ? new ProviderRejectedError(provider, text, { cause })
    : new ProviderUnavailableError(provider, text, { cause });
}

/** The error for the caller of an enqueue. Data that the database refuses is the caller's to mend. */
export function enqueueError(
  provider: string,
  jobs: readonly { readonly name: string }[],
  cause: unknown,
): JobsError {
  const [first] = jobs;
  if (!first || !isRefusedData(cause)) return providerError(provider, cause);
  const which = jobs.length > 1 ? `one of ${jobs.length} jobs: ` : "";
  const message = `the database cannot store it: ${which}${describePostgresError(cause)}`;
  return new InvalidPayloadError(first.name, [{ path: "", message }], { cause });
}

/** Whether the database could not be reached or was busy, so that a later try may succeed. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const { sqlState, socket, text } = describe(error);
  if (sqlState !== undefined) return UNAVAILABLE_SQLSTATE.test(sqlState);
  if (socket === undefined) return PG_MESSAGE.test(text);
  return SOCKET.test(socket) || NO_SOCKET_FILE.test(text);
}

/** Whether a text has a character that the database's encoding lacks. */
export function isUnstorableText(error: unknown): boolean {
  return UNSTORABLE_TEXT.test(describe(error).sqlState ?? "");
}

/** Whether the role lacks a right. */
export function isMissingRight(error: unknown): boolean {
  return describe(error).sqlState === "42501";
}

/** Whether the values of the statement are at fault. Another statement may well succeed. */
export function isRefusedData(error: unknown): boolean {
  return REFUSED_DATA.test(describe(error).sqlState ?? "");
}

/**
 * Whether the server may have executed a statement that failed with this error: the connection broke, or
 * the answer came too late. A statement that the server refused or never received was not executed.
 */
export function mayHaveBeenExecuted(cause: unknown): boolean {
  const { sqlState, text } = describe(cause);
  return sqlState === undefined ? !NOT_CONNECTED.test(text) : BROKEN_SQLSTATE.test(sqlState);
}

/** One line about a database error. pg's messages never contain the connection string. */
export function describePostgresError(cause: unknown): string {
  return describe(cause).text;
}

interface Description {
  /** From the server. */
  readonly sqlState?: string;
  /** From Node's sockets, which have codes of their own. */
  readonly socket?: string;
  readonly text: string;
}

function describe(cause: unknown): Description {
  try {
    return describeWithin(cause, CAUSES_LIMIT);
  } catch {
    // The work inside a transaction may throw anything, also what cannot be read.
    return { text: safeError(cause).message };
  }
}

/** Causes can be cyclic. */
const CAUSES_LIMIT = 10;

function describeWithin(cause: unknown, causes: number): Description {
  // Node tries every address of a name, and may report all failures in one error without a message.
  const error = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  if (!(error instanceof Error)) return { text: String(error) };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  // Drizzle and other libraries wrap the database's error.
  if (code === "" && error.cause instanceof Error && causes > 0) {
    return describeWithin(error.cause, causes - 1);
  }
  const message: unknown = error.message || code;
  const text = String(message);
  if (code === "") return { text };
  // Only errors of the server have a severity. "EPIPE" looks like a SQLSTATE, too.
  return "severity" in error ? { sqlState: code, text } : { socket: code, text };
}

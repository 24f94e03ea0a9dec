import { ProviderRejectedError, ProviderUnavailableError } from "../../application/job-errors.ts";

/** Connection trouble, resources exhausted, shutdown or start-up, a cancelled or timed-out query. */
const UNAVAILABLE_SQLSTATE = /^(08|53|57|25006)/;

/** Errors of Node's sockets and of pg's own time-outs carry no SQLSTATE. */
const SQLSTATE = /^[0-9A-Z]{5}$/;

/** A database error as the contract's error; the original is kept in `cause`. */
export function providerError(cause: unknown): ProviderUnavailableError | ProviderRejectedError {
  const { code, text } = describe(cause);
  return SQLSTATE.test(code) && !UNAVAILABLE_SQLSTATE.test(code)
    ? new ProviderRejectedError("graphile", text, { cause })
    : new ProviderUnavailableError("graphile", text, { cause });
}

/** One line about a database error. Connection strings never stand in pg's messages. */
export function describePostgresError(cause: unknown): string {
  return describe(cause).text;
}

function describe(cause: unknown): { code: string; text: string } {
  // Node's connect tries every address of a name and may give one error for all, without a message.
  const error = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  if (!(error instanceof Error)) return { code: "", text: String(error) };
  // Drizzle and friends wrap the database's error.
  if (!("code" in error) && error.cause instanceof Error) return describe(error.cause);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return { code, text: error.message || code };
}

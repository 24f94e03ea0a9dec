import { DrizzleQueryError } from "drizzle-orm/errors";

/** Connection trouble, resources exhausted, shutdown or start-up. */
const SQLSTATE = /^(08|53|57P)/;

const SOCKET = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/;

/** pg's own errors have no code. */
const PG_MESSAGE =
  /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error/;

/** Whether the database could not be asked: the same may well succeed in a while. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError) return isDatabaseUnavailable(error.errors[0]);
  if (error instanceof DrizzleQueryError) return isDatabaseUnavailable(error.cause);
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (code === "") return PG_MESSAGE.test(error.message);
  // Only what the server said has a severity.
  return "severity" in error ? SQLSTATE.test(code) : SOCKET.test(code);
}

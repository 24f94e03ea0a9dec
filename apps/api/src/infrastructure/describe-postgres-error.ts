import { DrizzleQueryError } from "drizzle-orm/errors";

/** One line about a database error. The connection string never stands in it. */
export function describePostgresError(cause: unknown): string {
  // Node tries every address of a name and may give one error for all, without a message.
  const error = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  if (!(error instanceof Error)) return String(error);
  // Drizzle wraps the database's error together with the whole statement.
  if (error instanceof DrizzleQueryError && error.cause) {
    return describePostgresError(error.cause);
  }
  return error.message;
}

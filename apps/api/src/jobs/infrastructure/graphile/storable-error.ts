const LENGTH_LIMIT = 10_000;

/**
 * An error whose message Postgres can store: neither U+0000, as in JSON.parse's own messages, nor
 * half a surrogate pair, nor megabytes. One that cannot be stored would break the worker.
 */
export function storableError(error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  const message = text.slice(0, LENGTH_LIMIT).replaceAll("\0", "\uFFFD").toWellFormed();
  return new Error(message, { cause: error });
}

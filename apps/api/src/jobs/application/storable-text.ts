const LENGTH_LIMIT = 10_000;

/**
 * An error's message as any database can store it: without U+0000, which JSON.parse's own messages
 * may have, without half a surrogate pair, and not megabytes.
 */
export function storableText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.slice(0, LENGTH_LIMIT).replaceAll("\0", "\uFFFD").toWellFormed();
}

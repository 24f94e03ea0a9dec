const LENGTH_LIMIT = 10_000;

/**
 * An error's message as any database can store it: without U+0000, which JSON.parse's own messages
 * may have, without half a surrogate pair, and not megabytes. Handlers throw anything; this does not.
 */
export function storableText(error: unknown): string {
  return textOf(error).slice(0, LENGTH_LIMIT).replaceAll("\0", "\uFFFD").toWellFormed();
}

function textOf(error: unknown): string {
  try {
    // A message may be no string, whatever its type says.
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "The handler threw something that has no text.";
  }
}

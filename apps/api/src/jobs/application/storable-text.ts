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

/** An error's stack in the same form, where it has one. */
export function storableStack(error: unknown): string | undefined {
  try {
    const stack: unknown = error instanceof Error ? error.stack : undefined;
    return typeof stack === "string" ? storableText(stack) : undefined;
  } catch {
    return undefined;
  }
}

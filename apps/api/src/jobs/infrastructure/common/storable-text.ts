const LENGTH_LIMIT = 10_000;

/**
 * An error's message as any database can store it: at most 10,000 characters, without U+0000 and lone
 * surrogates. Never throws, whatever a handler threw.
 */
export function storableText(error: unknown): string {
  return textOf(error).slice(0, LENGTH_LIMIT).replaceAll("\0", "\uFFFD").toWellFormed();
}

function textOf(error: unknown): string {
  try {
    // Not every message is a string, whatever its type says.
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "The handler threw a value that has no text.";
  }
}

/** An error's stack in the same form, or `undefined`. */
export function storableStack(error: unknown): string | undefined {
  try {
    const stack: unknown = error instanceof Error ? error.stack : undefined;
    return typeof stack === "string" ? storableText(stack) : undefined;
  } catch {
    return undefined;
  }
}

import { safeError } from "../../application/safe-error.ts";

/** An error's message as any database can store it. Never throws. See {@link safeError}. */
export function storableText(error: unknown): string {
  return safeError(error).message;
}

/** An error's stack in the same form, or `undefined`. */
export function storableStack(error: unknown): string | undefined {
  return safeError(error).stack;
}

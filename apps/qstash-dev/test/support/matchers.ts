import { expect } from "vitest";

/** Vitest's asymmetric matchers, without their `any`. */
export const anyString: unknown = expect.any(String);
export const anyNumber: unknown = expect.any(Number);

export function containing(text: string): unknown {
  return expect.stringContaining(text);
}

export function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

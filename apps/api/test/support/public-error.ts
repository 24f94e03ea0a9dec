import { expect } from "vitest";
import { z } from "zod";

const documented = z.object({
  error: z.looseObject({
    code: z.string().regex(/^[a-z]+(?:[._][a-z]+)*$/),
    message: z.string().min(3),
  }),
});

/** Matches stack traces, SQL, file and module names, and database URLs. */
const INTERNAL =
  /\bat .+:\d+:\d+|\.(?:ts|mjs|cjs|js):\d|node:internal|node_modules|file:\/\/|\/(?:home|root|tmp|usr)\/|postgres(?:ql)?:\/\/|\b(?:select .+ from|insert into|update .+ set|delete from)\b|DrizzleQueryError|invalid byte sequence/i;

/** Expects a documented error without internals. Returns its code. */
export function expectPublicError(contentType: string | null, body: string): string {
  expect(errorProblem(contentType, body)).toBeUndefined();
  return documented.parse(JSON.parse(body)).error.code;
}

/** The problem with an error answer; `undefined` for a good one. */
export function errorProblem(contentType: string | null, body: string): string | undefined {
  if (!isJson(contentType, body)) return `not JSON: ${contentType} ${body}`;
  if (!documented.safeParse(JSON.parse(body)).success) return `undocumented form: ${body}`;
  return internalProblem(body);
}

export function isJson(contentType: string | null, body: string): boolean {
  return /^application\/json\b/.test(contentType ?? "") && z.json().safeParse(parse(body)).success;
}

export function internalProblem(body: string): string | undefined {
  const [found] = INTERNAL.exec(body) ?? [];
  return found === undefined ? undefined : `internal text "${found}": ${body}`;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

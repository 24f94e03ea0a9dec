import { expect } from "vitest";
import { z } from "zod";

const documented = z.object({
  error: z.looseObject({
    code: z.string().regex(/^[a-z]+(?:[._][a-z]+)*$/),
    message: z.string().min(3),
  }),
});

/** Stacks, SQL, files and modules, addresses of databases. */
const INTERNAL =
  /\bat .+:\d+:\d+|\.(?:ts|mjs|cjs|js):\d|node:internal|node_modules|file:\/\/|\/(?:home|root|tmp|usr)\/|postgres(?:ql)?:\/\/|\b(?:select .+ from|insert into|update .+ set|delete from)\b|DrizzleQueryError|invalid byte sequence/i;

/** The code of an answer that refuses: JSON in the documented form, nothing of the inside in it. */
export function expectPublicError(contentType: string | null, body: string): string {
  expect(errorProblem(contentType, body)).toBeUndefined();
  return documented.parse(JSON.parse(body)).error.code;
}

/** What is wrong with an answer that refuses. */
export function errorProblem(contentType: string | null, body: string): string | undefined {
  if (!isJson(contentType, body)) return `not JSON: ${contentType} ${body}`;
  if (!documented.safeParse(JSON.parse(body)).success) return `not the documented form: ${body}`;
  return internalProblem(body);
}

export function isJson(contentType: string | null, body: string): boolean {
  return /^application\/json\b/.test(contentType ?? "") && z.json().safeParse(parse(body)).success;
}

export function internalProblem(body: string): string | undefined {
  const [found] = INTERNAL.exec(body) ?? [];
  return found === undefined ? undefined : `"${found}" of the inside: ${body}`;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

import type { Context } from "hono";
import { z } from "zod";
import { AppError } from "#src/kernel/errors.ts";
import { incompleteBody } from "./body-limit.ts";

/** Text that Postgres can store: without U+0000 and lone surrogates. */
export const storableText = () =>
  z.string().refine((text) => text.isWellFormed() && !text.includes("\0"), {
    error: "must be text without U+0000 and lone surrogates",
  });

/** A body and what it means. */
export interface JsonBody {
  readonly text: string;
  readonly value: unknown;
}

/** Parses the body as JSON. @throws AppError 400 `request.invalid_json`, 415 `request.unsupported_type` */
export async function readJson(c: Context): Promise<JsonBody> {
  refuseOtherTypes(c);
  const text = await c.req.text().catch(incompleteBody);
  try {
    return { text, value: JSON.parse(text) as unknown };
  } catch {
    throw new AppError("request.invalid_json", 400, "The body is not valid JSON.");
  }
}

/** Parses the body with the schema. @throws AppError like {@link readJson}, 422 `request.invalid` */
export async function readBody<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse((await readJson(c)).value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => ({
    path: path.join("."),
    message,
  }));
  const list = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message));
  throw new AppError("request.invalid", 422, `The body is not valid: ${list.join("; ")}`, {
    issues,
  });
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/** A body without a content type counts as JSON. Compressed bodies are refused: they could inflate hugely. */
function refuseOtherTypes(c: Context): void {
  const type = c.req.header("content-type") ?? "application/json";
  const encoding = c.req.header("content-encoding") ?? "identity";
  if (JSON_TYPE.test(type) && encoding.toLowerCase() === "identity") return;
  const message =
    "Send uncompressed JSON: content-type: application/json, without content-encoding.";
  throw new AppError("request.unsupported_type", 415, message);
}

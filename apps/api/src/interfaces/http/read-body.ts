import type { Context } from "hono";
import type { z } from "zod";
import { AppError } from "#/kernel/errors.ts";

/** The body as JSON. @throws AppError 400 `request.invalid_json` */
export async function readJson(c: Context): Promise<unknown> {
  try {
    return await c.req.json<unknown>();
  } catch {
    throw new AppError("request.invalid_json", 400, "The body is not JSON.");
  }
}

/** The body as the schema gives it. @throws AppError 400 or 422 `request.invalid` */
export async function readBody<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(await readJson(c));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => ({
    path: path.join("."),
    message,
  }));
  const list = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message));
  throw new AppError("request.invalid", 422, `The body is wrong: ${list.join("; ")}`, { issues });
}

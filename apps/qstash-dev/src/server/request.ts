import type { Context } from "hono";
import type { z } from "zod";
import { ApiError, badRequest } from "#src/protocol/api-error.ts";
import type { Bindings, Env } from "#src/server/services.ts";

/** Node's side of the request, which is only there when it came over HTTP. */
export function bindings(c: Context<Env>): Bindings | undefined {
  return c.env;
}

/**
 * What follows `prefix` in the request target, query string included, exactly as it was sent:
 * destinations are neither percent-encoded nor may their slashes be merged.
 */
export function rawAfter(c: Context<Env>, prefix: string): string {
  const target = bindings(c)?.incoming?.url ?? c.req.url.replace(/^[a-z]+:\/\/[^/]+/i, "");
  return target.slice(prefix.length);
}

/** The address of whoever sent the request. */
export function callerIp(c: Context<Env>): string {
  const address = bindings(c)?.incoming?.socket.remoteAddress ?? "127.0.0.1";
  return address.replace(/^::ffff:/, "");
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** The body, byte for byte, or a 413. */
export async function rawBody(c: Context<Env>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | Iterable<Uint8Array> = c.req.raw.body ?? [];
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new ApiError(413, "the body is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The JSON body that the schema describes, or a 400. */
export async function jsonBody<S extends z.ZodType>(
  c: Context<Env>,
  schema: S,
): Promise<z.output<S>> {
  const parsed = schema.safeParse(parseJson((await rawBody(c)).toString()));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return badRequest(`invalid body: ${issue?.path.join(".")} ${issue?.message}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return badRequest("the body is not JSON");
  }
}

/** The query that the schema describes, or a 400. Single values are strings. */
export function query<S extends z.ZodType>(c: Context<Env>, schema: S): z.output<S> {
  const parsed = schema.safeParse(c.req.query());
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return badRequest(`invalid query: ${issue?.path.join(".")} ${issue?.message}`);
}

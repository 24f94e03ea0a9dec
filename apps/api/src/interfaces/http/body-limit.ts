import type { MiddlewareHandler } from "hono";
import { AppError } from "#src/kernel/errors.ts";

/**
 * Refuses a body that is larger than `limit` bytes with 413 `code`. One without a length is counted
 * while it comes, and nothing is kept of it beyond the limit. A length can be believed: servers read
 * no further.
 */
export function limitBody(code: string, limit: number): MiddlewareHandler {
  return async (c, next) => {
    const { method, body, headers } = c.req.raw;
    if (!body) return next();
    const length = headers.get("content-length");
    const refuse = (size?: number) =>
      new AppError(code, 413, `The body is larger than ${limit} bytes.`, { size, limit });
    if (length === null || headers.has("transfer-encoding")) {
      const bytes = await collect(body, limit);
      if (!bytes) throw refuse();
      c.req.raw = new Request(c.req.raw, { method, body: bytes });
    } else if (Number(length) > limit) throw refuse(Number(length));
    return next();
  };
}

/** The whole stream, or `undefined` when it is longer. */
async function collect(
  body: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(incompleteBody);
    if (done) break;
    size += value.length;
    if (size > limit) return undefined;
    chunks.push(value);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** The client has gone, or was cut off: nothing that an operator has to look at. */
export function incompleteBody(): never {
  throw new AppError("request.incomplete", 400, "The body did not arrive as a whole.");
}

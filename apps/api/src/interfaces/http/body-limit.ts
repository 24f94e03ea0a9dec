import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { AppError } from "#src/kernel/errors.ts";

/**
 * Refuses a body of more than `limit` bytes with 413 `code`. Hono trusts `content-length`, because
 * servers read no further. It counts a body without one as it arrives, and keeps no more than the limit.
 */
export function limitBody(code: string, limit: number): MiddlewareHandler {
  const check = bodyLimit({
    maxSize: limit,
    onError(c) {
      const details = { size: statedSize(c), limit };
      throw new AppError(code, 413, `The body is larger than ${limit} bytes.`, details);
    },
  });
  return async (c, next) => {
    await check(c, async () => undefined).catch((error: unknown) => {
      throw error instanceof AppError ? error : incompleteBody(error);
    });
    await next();
  };
}

/** The size that the client states; `undefined` for a body sent in chunks. */
function statedSize(c: Context): number | undefined {
  const length = c.req.header("content-length");
  const isChunked = c.req.header("transfer-encoding") !== undefined;
  return length === undefined || isChunked ? undefined : Number(length);
}

/** A client that disconnects is no fault of ours: 400, and nothing in the log. */
export function incompleteBody(cause: unknown): never {
  const message = "The request body is incomplete.";
  throw new AppError("request.incomplete", 400, message, {}, { cause });
}

import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { ApiError } from "#src/protocol/api-error.ts";
import type { Env } from "#src/server/services.ts";

/** Lets in who has the token, comparing in constant time. */
export function bearerAuth(token: string): MiddlewareHandler<Env> {
  const expected = digest(`Bearer ${token}`);
  return async (c, next) => {
    const given = digest(c.req.header("authorization") ?? "");
    if (!timingSafeEqual(given, expected)) throw new ApiError(401, "unauthorized: invalid token");
    await next();
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

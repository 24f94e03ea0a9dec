import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { AppError } from "#/kernel/errors.ts";

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Lets through who has the token. Digests are compared: equally long, in constant time. */
export function requireBearerToken(token: string): MiddlewareHandler {
  const expected = digest(token);
  return async (c, next) => {
    const [, given = ""] = /^Bearer ([^\s]+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
    if (!timingSafeEqual(digest(given), expected)) {
      c.header("www-authenticate", "Bearer");
      throw new AppError(
        "request.unauthorized",
        401,
        "Send the API token: authorization: Bearer <token>.",
      );
    }
    await next();
  };
}

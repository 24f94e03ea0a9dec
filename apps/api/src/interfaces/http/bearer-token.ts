import type { Context, MiddlewareHandler } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { AppError } from "#src/kernel/errors.ts";

/** Requires the API token. Every refusal gets the same answer, whatever was wrong. */
export function requireBearerToken(token: string): MiddlewareHandler {
  const refusal = { message: refuse };
  const check: MiddlewareHandler = bearerAuth({
    token,
    noAuthenticationHeader: refusal,
    invalidAuthenticationHeader: refusal,
    invalidToken: refusal,
  });
  // Hono skips any space after the scheme; this API takes exactly one.
  return (c, next) =>
    /^bearer\s\s/i.test(c.req.header("authorization") ?? "") ? refuse(c) : check(c, next);
}

function refuse(c: Context): never {
  c.header("www-authenticate", "Bearer");
  throw new AppError(
    "request.unauthorized",
    401,
    "Send the API token: authorization: Bearer <token>.",
  );
}

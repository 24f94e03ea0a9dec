import type { MiddlewareHandler } from "hono";
import { AppError } from "#src/kernel/errors.ts";

/** Lets through who has the token. */
export function requireBearerToken(token: string): MiddlewareHandler {
  const expected = digest(token);
  return async (c, next) => {
    const [, given = ""] = /^Bearer ([^\s]+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
    if (!isSame(await digest(given), await expected)) {
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

/** Digests are equally long, whatever was given. */
async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Looks at every byte, so that the time it takes says nothing. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.reduce((difference, byte, index) => difference | (byte ^ (b[index] ?? 256)), 0) === 0;
}

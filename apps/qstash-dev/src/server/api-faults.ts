import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { MiddlewareHandler } from "hono";
import type { Faults } from "#src/engine/faults.ts";
import { ApiError } from "#src/protocol/api-error.ts";
import { bindings } from "#src/server/request.ts";
import type { Env } from "#src/server/services.ts";

const BURST_LIMIT = { limit: "100", remaining: "0", resetAfterS: 1 };

/** The faults of the API itself. Reads stay reliable, so that tests can always look. */
export function apiFaults(faults: Faults): MiddlewareHandler<Env> {
  return async (c, next) => {
    if (c.req.method === "GET") {
      await next();
      return;
    }
    if (faults.strikes("answer-500")) throw new ApiError(500, "internal server error");
    if (faults.strikes("answer-429")) throw burstLimit();
    await next();
    // The request was carried out; the caller just does not get to know.
    if (faults.strikes("drop-answer")) {
      const outgoing = bindings(c)?.outgoing;
      outgoing?.destroy();
      c.res = outgoing ? RESPONSE_ALREADY_SENT : Response.error();
    }
  };
}

function burstLimit(): ApiError {
  return new ApiError(429, "Exceeded burst rate limit", {
    "Burst-RateLimit-Limit": BURST_LIMIT.limit,
    "Burst-RateLimit-Remaining": BURST_LIMIT.remaining,
    "Burst-RateLimit-Reset": String(Math.ceil(Date.now() / 1_000) + BURST_LIMIT.resetAfterS),
  });
}

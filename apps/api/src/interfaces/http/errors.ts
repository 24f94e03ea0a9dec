import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import { AppError } from "#src/kernel/errors.ts";
import type { Logger } from "#src/kernel/logger.ts";

/** Any error with a code and a status, including those of modules that do not know `AppError`. */
const publicError = z.object({
  code: z.string(),
  status: z.number().int().min(400).max(599),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).default({}),
  retryAfterSeconds: z.number().optional(),
});

/** Turns any error of a route into `{"error": {code, message, …}}`. */
export function errorResponse(error: unknown, c: Context, log: Logger): Response {
  if (error instanceof HTTPException) return errorResponse(fromHono(error), c, log);
  const known = publicFacts(error);
  if (!known) {
    log.error(
      { err: error, method: c.req.method, path: c.req.path },
      "request failed unexpectedly",
    );
    const body = { code: "internal", message: "Something went wrong; it has been logged." };
    return c.json({ error: body }, 500);
  }
  const { code, status, message, details, retryAfterSeconds } = known;
  if (status >= 500) log.warn({ err: error, path: c.req.path }, "request failed");
  if (retryAfterSeconds !== undefined)
    c.header("retry-after", String(Math.ceil(retryAfterSeconds)));
  return c.json({ error: { code, message, ...details } }, contentful(status));
}

/** Code can throw anything, also a value that cannot be read. */
function publicFacts(error: unknown): z.infer<typeof publicError> | undefined {
  try {
    return error instanceof Error ? publicError.safeParse(error).data : undefined;
  } catch {
    return undefined;
  }
}

function fromHono(error: HTTPException): AppError {
  return new AppError(
    "request.invalid",
    error.status,
    error.message || "The request is not valid.",
  );
}

/** Every status from 400 to 599 allows a body. */
function contentful(status: number): ContentfulStatusCode {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema above has checked it
  return status as ContentfulStatusCode;
}

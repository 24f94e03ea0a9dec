import { type Context, Hono } from "hono";
import { z } from "zod";
import type { PublishRequest } from "#src/engine/publisher.ts";
import { ApiError, badRequest, checkName } from "#src/protocol/api-error.ts";
import { parseMessageOptions } from "#src/protocol/message-options.ts";
import {
  callerIp,
  type Env,
  jsonBody,
  rawAfter,
  rawBody,
  type Services,
} from "#src/server/request.ts";

const batchSchema = z.array(
  z.object({
    destination: z.string(),
    headers: z.record(z.string(), z.string()).nullish(),
    body: z.string().nullish(),
    queue: z.string().nullish(),
  }),
);

/** `POST /v2/publish/…`, `/v2/enqueue/…` and `/v2/batch`. */
export function publishRoutes({ publisher }: Services): Hono<Env> {
  const routes = new Hono<Env>();

  const publish = (c: Context<Env>, request: PublishRequest) => {
    const receipt = publisher.publish(request);
    const isDuplicate = [receipt].flat().every(({ deduplicated }) => deduplicated);
    return c.json(receipt, isDuplicate ? 202 : 201);
  };

  routes.post("/publish/*", async (c) =>
    publish(c, {
      destination: rawAfter(c, "/v2/publish/"),
      options: parseMessageOptions(c.req.raw.headers),
      body: await rawBody(c),
      callerIp: callerIp(c),
    }),
  );

  routes.post("/enqueue/:queue/*", async (c) => {
    const rest = rawAfter(c, "/v2/enqueue/");
    return publish(c, {
      destination: rest.slice(rest.indexOf("/") + 1),
      options: parseMessageOptions(c.req.raw.headers),
      body: await rawBody(c),
      callerIp: callerIp(c),
      queueName: checkName("queue name", c.req.param("queue")),
    });
  });

  routes.post("/batch", async (c) => {
    const items = await jsonBody(c, batchSchema);
    const requests = items.map((item) =>
      orRefusal((): PublishRequest => {
        const request = {
          destination: item.destination,
          options: parseMessageOptions(batchHeaders(item.headers)),
          body: Buffer.from(item.body ?? ""),
          callerIp: callerIp(c),
          queueName:
            typeof item.queue === "string" ? checkName("queue name", item.queue) : undefined,
        };
        publisher.check(request);
        return request;
      }),
    );
    const accepted = requests.flatMap((request) => (request instanceof ApiError ? [] : [request]));
    const [first] = requests;
    if (accepted.length === 0 && first instanceof ApiError) throw first;
    publisher.countToday(accepted);
    return c.json(
      requests.map((request) =>
        request instanceof ApiError ? { error: request.message } : publisher.send(request),
      ),
      201,
    );
  });

  return routes;
}

const REFUSALS_OF_ONE_ITEM: ReadonlySet<number> = new Set([400, 412, 413]);

/** Returns the refusal of one batch item, so that the other items are still published. */
function orRefusal<T>(read: () => T): T | ApiError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ApiError && REFUSALS_OF_ONE_ITEM.has(error.status)) return error;
    throw error;
  }
}

function batchHeaders(headers: Record<string, string> | null | undefined): Headers {
  try {
    return new Headers(headers ?? {});
  } catch {
    return badRequest("invalid headers");
  }
}

import { type Context, Hono } from "hono";
import { z } from "zod";
import type { PublishRequest } from "#src/engine/publisher.ts";
import { ApiError, checkName } from "#src/protocol/api-error.ts";
import { parseMessageOptions } from "#src/protocol/message-options.ts";
import {
  callerIp,
  type Env,
  headersFrom,
  jsonBody,
  rawAfter,
  rawBody,
  readTarget,
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
export function publishRoutes(services: Services): Hono<Env> {
  const { publisher } = services;
  const routes = new Hono<Env>();

  const publish = async (c: Context<Env>, rawDestination: string, queueName?: string) => {
    const { destination, headers } = readTarget(c, rawDestination, services);
    const receipt = publisher.publish({
      destination,
      options: parseMessageOptions(headers),
      body: await rawBody(c),
      callerIp: callerIp(c),
      queueName,
    });
    const isDuplicate = [receipt].flat().every(({ deduplicated }) => deduplicated);
    return c.json(receipt, isDuplicate ? 202 : 201);
  };

  routes.post("/publish/*", (c) => publish(c, rawAfter(c, "/v2/publish/")));

  routes.post("/enqueue/:queue/*", (c) => {
    const rest = rawAfter(c, "/v2/enqueue/");
    const queueName = checkName("queue name", c.req.param("queue"));
    return publish(c, rest.slice(rest.indexOf("/") + 1), queueName);
  });

  routes.post("/batch", async (c) => {
    const items = await jsonBody(c, batchSchema);
    const requests = items.map((item) =>
      orRefusal((): PublishRequest => {
        const request = {
          destination: item.destination,
          options: parseMessageOptions(headersFrom(Object.entries(item.headers ?? {}))),
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

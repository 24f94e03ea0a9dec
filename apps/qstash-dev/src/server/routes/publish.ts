import { type Context, Hono } from "hono";
import { z } from "zod";
import type { PublishRequest } from "#src/engine/publisher.ts";
import { badRequest, checkName } from "#src/protocol/api-error.ts";
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
    const requests = (await jsonBody(c, batchSchema)).map(
      ({ destination, headers, body, queue }): PublishRequest => ({
        destination,
        options: parseMessageOptions(batchHeaders(headers)),
        body: Buffer.from(body ?? ""),
        callerIp: callerIp(c),
        queueName: typeof queue === "string" ? checkName("queue name", queue) : undefined,
      }),
    );
    for (const request of requests) publisher.check(request);
    return c.json(
      requests.map((request) => publisher.publish(request)),
      201,
    );
  });

  return routes;
}

function batchHeaders(headers: Record<string, string> | null | undefined): Headers {
  try {
    return new Headers(headers ?? {});
  } catch {
    return badRequest("invalid headers");
  }
}

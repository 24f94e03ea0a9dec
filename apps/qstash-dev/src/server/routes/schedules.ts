import { Hono } from "hono";
import { parseCron } from "#src/engine/cron.ts";
import { ApiError, badRequest, checkName, found } from "#src/protocol/api-error.ts";
import { parseMessageOptions } from "#src/protocol/message-options.ts";
import {
  callerIp,
  type Env,
  rawAfter,
  rawBody,
  readTarget,
  type Services,
} from "#src/server/request.ts";
import { scheduleView } from "#src/server/views.ts";
import { randomId } from "#src/store/message.ts";

/** `/v2/schedules`. */
export function scheduleRoutes(services: Services): Hono<Env> {
  const { publisher, schedules, strict, plan } = services;
  const routes = new Hono<Env>();
  const find = (id: string) => found(schedules.find(id), "schedule");

  routes.get("/schedules", (c) => c.json(schedules.list().map(scheduleView)));
  routes.get("/schedules/:id", (c) => c.json(scheduleView(find(c.req.param("id")))));
  // Deleting is idempotent: the official clients clean up what may not exist.
  routes.delete("/schedules/:id", (c) => {
    schedules.remove(c.req.param("id"));
    return c.json({});
  });
  // The SDK sends PATCH. The OpenAPI document says POST.
  routes.on(["PATCH", "POST"], "/schedules/:id/pause", (c) => {
    find(c.req.param("id")).paused = true;
    return c.json({});
  });
  routes.on(["PATCH", "POST"], "/schedules/:id/resume", (c) => {
    find(c.req.param("id")).paused = false;
    return c.json({});
  });

  routes.post("/schedules/*", async (c) => {
    const { destination, headers } = readTarget(c, rawAfter(c, "/v2/schedules/"), services);
    const cronText = headers.get("upstash-cron") ?? badRequest("Upstash-Cron header is missing");
    const cron = parseCron(cronText) ?? badRequest(`invalid cron expression: "${cronText}"`);
    const id = checkName("schedule id", headers.get("upstash-schedule-id") ?? randomId("scd"));
    const queue = headers.get("upstash-queue-name");
    const request = {
      destination,
      // Each tick is a new message, not a duplicate of the last one.
      options: {
        ...parseMessageOptions(headers),
        deduplicationId: undefined,
        contentBasedDeduplication: false,
      },
      body: await rawBody(c),
      callerIp: callerIp(c),
      queueName: queue === null ? undefined : checkName("queue name", queue),
      scheduleId: id,
    };
    publisher.check(request);
    if (strict && !schedules.find(id) && schedules.list().length >= plan.maxSchedules) {
      throw new ApiError(412, `quota maxSchedules exceeded, current limit: ${plan.maxSchedules}`);
    }
    schedules.put({ id, cronText, cron, request });
    return c.json({ scheduleId: id });
  });

  return routes;
}

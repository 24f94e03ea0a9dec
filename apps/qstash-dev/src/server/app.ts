import { Hono } from "hono";
import { ApiError } from "#src/protocol/api-error.ts";
import { apiFaults } from "#src/server/api-faults.ts";
import { bearerAuth } from "#src/server/auth.ts";
import { devRoutes } from "#src/server/routes/dev.ts";
import { dlqRoutes } from "#src/server/routes/dlq.ts";
import { flowControlRoutes } from "#src/server/routes/flow-control.ts";
import { keyRoutes } from "#src/server/routes/keys.ts";
import { logRoutes } from "#src/server/routes/logs.ts";
import { messageRoutes } from "#src/server/routes/messages.ts";
import { publishRoutes } from "#src/server/routes/publish.ts";
import { queueRoutes } from "#src/server/routes/queues.ts";
import { scheduleRoutes } from "#src/server/routes/schedules.ts";
import { urlGroupRoutes } from "#src/server/routes/url-groups.ts";
import type { Env, Services } from "#src/server/services.ts";

/** The HTTP API. */
export function createApp(services: Services, onError: (error: unknown) => void): Hono<Env> {
  const app = new Hono<Env>();

  app.onError((error, c) => {
    if (error instanceof ApiError) {
      return c.json({ error: error.message }, error.status, { ...error.headers });
    }
    onError(error);
    return c.json({ error: "internal server error" }, 500);
  });
  app.notFound((c) => c.json({ error: "not found" }, 404));

  app.use(bearerAuth(services.token));
  app.use("/v2/*", apiFaults(services.faults));

  for (const routes of [
    publishRoutes,
    keyRoutes,
    messageRoutes,
    scheduleRoutes,
    dlqRoutes,
    logRoutes,
    queueRoutes,
    flowControlRoutes,
    urlGroupRoutes,
  ]) {
    app.route("/v2", routes(services));
  }
  app.route("/dev", devRoutes(services));
  return app;
}

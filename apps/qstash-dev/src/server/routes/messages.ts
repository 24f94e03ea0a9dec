import { type Context, Hono } from "hono";
import { found } from "#src/protocol/api-error.ts";
import { readFilter, readPage } from "#src/server/filter.ts";
import type { Env, Services } from "#src/server/request.ts";
import { logView, messageView } from "#src/server/views.ts";

/** `/v2/messages`: the messages that still wait or run. */
export function messageRoutes({ engine }: Services): Hono<Env> {
  return new Hono<Env>()
    .get("/messages/:id", (c) =>
      c.json(messageView(found(engine.find(c.req.param("id")), "message"))),
    )
    .delete("/messages/:id", (c) => {
      engine.cancel(found(engine.find(c.req.param("id")), "message").id);
      return c.json({ cancelled: 1 }, 202);
    })
    .delete("/messages", (c) => {
      const matches = readFilter(c);
      const cancelled = engine
        .list()
        .filter((message) => matches({ message, time: message.createdAt }));
      for (const { id } of cancelled) engine.cancel(id);
      return c.json({ cancelled: cancelled.length }, 202);
    });
}

const MAX_LOGS = 1_000;

/** The logs: the SDK reads `/v2/events`, the OpenAPI document names `/v2/logs`. */
export function logRoutes({ log }: Services): Hono<Env> {
  const read = (c: Context<Env>) => {
    const matches = readFilter(c);
    const { items, cursor } = readPage(c, log.list().filter(matches), {
      newestFirst: true,
      maxCount: MAX_LOGS,
    });
    return { entries: items.map(logView), cursor };
  };

  return new Hono<Env>()
    .get("/events", (c) => {
      const { entries, cursor } = read(c);
      return c.json({ events: entries, cursor });
    })
    .get("/logs", (c) => {
      const { entries, cursor } = read(c);
      return c.json({ logs: entries, cursor });
    });
}

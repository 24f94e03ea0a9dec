import { Hono } from "hono";
import { found } from "#src/protocol/api-error.ts";
import { readFilter } from "#src/server/filter.ts";
import type { Env, Services } from "#src/server/services.ts";
import { messageView } from "#src/server/views.ts";

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

import { type Context, Hono } from "hono";
import { readFilter, readPage } from "#src/server/filter.ts";
import type { Env, Services } from "#src/server/services.ts";
import { logView } from "#src/server/views.ts";

const MAX_COUNT = 1_000;

/** `/v2/events`, which the SDK asks, and `/v2/logs`, which the OpenAPI document names. */
export function logRoutes({ log }: Services): Hono<Env> {
  const read = (c: Context<Env>) => {
    const matches = readFilter(c);
    const { items, cursor } = readPage(c, log.list().filter(matches), {
      newestFirst: true,
      maxCount: MAX_COUNT,
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

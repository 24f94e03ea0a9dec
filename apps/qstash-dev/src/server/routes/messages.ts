import { type Context, Hono } from "hono";
import { ApiError, badRequest, found } from "#src/protocol/api-error.ts";
import {
  bulkCount,
  CANCEL_FILTERS,
  queryParameters,
  readFilter,
  readPage,
  readSelection,
} from "#src/server/filter.ts";
import type { Env, Services } from "#src/server/request.ts";
import { bulkActionView, logView, messageView } from "#src/server/views.ts";

const READABLE_AFTER_DELIVERY_MS = 60_000;

/** `/v2/messages`: the messages that wait, run, or were delivered within the last minute. */
export function messageRoutes({ bulkActions, clock, engine, log }: Services): Hono<Env> {
  return new Hono<Env>()
    .get("/messages/:id", (c) => {
      const id = c.req.param("id");
      const delivered = log.findDelivered(id, clock.now() - READABLE_AFTER_DELIVERY_MS);
      return c.json(messageView(found(engine.find(id) ?? delivered, "message")));
    })
    .delete("/messages/:id", (c) => {
      engine.cancel(found(engine.find(c.req.param("id")), "message").id);
      return c.json({ cancelled: 1 }, 202);
    })
    .post("/messages/:id/retry", (c) => {
      const { id, queueName } = found(engine.find(c.req.param("id")), "message");
      if (queueName !== undefined) badRequest("a message in a queue cannot be released");
      if (!engine.runNow(id)) throw new ApiError(404, "the message does not wait for its time");
      return c.json({});
    })
    .delete("/messages", async (c) => {
      const { ids, matches, parameters } = await readSelection(c, {
        ids: "messageIds",
        filters: CANCEL_FILTERS,
        others: ["async"],
      });
      const selected = engine
        .list()
        .filter((message) =>
          ids ? ids.includes(message.id) : matches({ message, time: message.createdAt }),
        )
        .slice(0, bulkCount(parameters));
      for (const { id } of selected) engine.cancel(id);
      const cancelled = selected.length;
      if (ids) return c.json({ cancelled }, 202);
      const filter = Object.fromEntries(
        [...parameters].filter(([name]) => CANCEL_FILTERS.includes(name)),
      );
      const { actionId } = bulkActions.add(cancelled, filter, clock.now());
      const isAsync = parameters.get("async")?.at(-1) === "true";
      return c.json({ cancelled, ...(isAsync && { actionId }) }, 202);
    });
}

const MAX_BULK_ACTIONS = 1_000;

/** `/v2/bulkActions`: the bulk cancels by filter. */
export function bulkActionRoutes({ bulkActions, clock }: Services): Hono<Env> {
  return new Hono<Env>()
    .get("/bulkActions", (c) => {
      const parameters = queryParameters(c);
      const state = c.req.query("state");
      if (state !== undefined && state !== "FINISHED" && state !== "IN_PROGRESS") {
        badRequest(`invalid state: "${state}"`);
      }
      const page = readPage(parameters, bulkActions.list(clock.now()), {
        order: "latestFirst",
        maxCount: MAX_BULK_ACTIONS,
      });
      const shown = page.items.filter((action) => state === undefined || action.state === state);
      return c.json({ bulkActions: shown.map(bulkActionView), cursor: page.cursor });
    })
    .get("/bulkActions/:id", (c) => {
      const id = c.req.param("id");
      const action = bulkActions.list(clock.now()).find(({ actionId }) => actionId === id);
      return c.json(bulkActionView(found(action, "bulk action")));
    });
}

const MAX_LOGS = 1_000;

/** The logs: the SDK reads `/v2/events`, the OpenAPI document names `/v2/logs`. */
export function logRoutes({ log }: Services): Hono<Env> {
  const read = (c: Context<Env>) => {
    const parameters = queryParameters(c);
    const matching = log.list().filter(readFilter(parameters));
    const { items, cursor } = readPage(parameters, matching, {
      order: "latestFirst",
      maxCount: MAX_LOGS,
    });
    return { entries: items.map((entry) => logView(entry, log.bodyOf(entry.message.id))), cursor };
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

import { type Context, Hono } from "hono";
import { found } from "#src/protocol/api-error.ts";
import { parseMessageOptions } from "#src/protocol/message-options.ts";
import { type Page, queryList, readFilter, readPage } from "#src/server/filter.ts";
import type { Env, Services } from "#src/server/request.ts";
import { deadLetterView } from "#src/server/views.ts";
import type { DeadLetter } from "#src/store/dlq.ts";

const MAX_COUNT = 100;

/** `/v2/dlq`: the failed messages. */
export function dlqRoutes({ clock, dlq, publisher }: Services): Hono<Env> {
  const routes = new Hono<Env>();
  const find = (id: string) => found(dlq.get(id, clock.now()), "message");

  const retry = (c: Context<Env>, letter: DeadLetter) => {
    const receipt = publisher.republish(letter.message, parseMessageOptions(c.req.raw.headers));
    dlq.remove(letter.dlqId);
    return receipt;
  };

  /** Selects the letters with the given ids, or a page of those that match the filters. */
  const select = (c: Context<Env>): Page<DeadLetter> => {
    const letters = dlq.list(clock.now());
    const named = queryList(c, "dlqIds");
    if (named.length > 0) {
      return { items: letters.filter(({ dlqId }) => named.includes(dlqId)), cursor: undefined };
    }
    const matches = readFilter(c);
    const matching = letters.filter(({ message, failedAt, response }) =>
      matches({ message, time: failedAt, responseStatus: response?.status }),
    );
    return readPage(c, matching, { newestFirst: false, maxCount: MAX_COUNT });
  };

  routes.get("/dlq", (c) => {
    const { items, cursor } = select(c);
    return c.json({ messages: items.map(deadLetterView), cursor });
  });
  routes.get("/dlq/:id", (c) => c.json(deadLetterView(find(c.req.param("id")))));

  routes.delete("/dlq", (c) => {
    const { items, cursor } = select(c);
    for (const { dlqId } of items) dlq.remove(dlqId);
    return c.json({ deleted: items.length, cursor });
  });
  routes.delete("/dlq/:id", (c) => {
    dlq.remove(find(c.req.param("id")).dlqId);
    return c.json({});
  });

  routes.post("/dlq/retry", (c) => {
    const { items, cursor } = select(c);
    return c.json({ responses: items.map((letter) => retry(c, letter)), cursor }, 201);
  });
  routes.post("/dlq/retry/:id", (c) => c.json(retry(c, find(c.req.param("id"))), 201));

  return routes;
}

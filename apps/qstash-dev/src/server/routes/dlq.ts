import { type Context, Hono } from "hono";
import { ApiError, found } from "#src/protocol/api-error.ts";
import { parseMessageOptions } from "#src/protocol/message-options.ts";
import {
  bulkCount,
  DEAD_LETTER_FILTERS,
  type Filter,
  listOf,
  type Page,
  type Parameters,
  queryParameters,
  readFilter,
  readPage,
  readSelection,
} from "#src/server/filter.ts";
import type { Env, Services } from "#src/server/request.ts";
import { deadLetterView } from "#src/server/views.ts";
import type { DeadLetter } from "#src/store/dlq.ts";

const MAX_LISTED = 100;
const MAX_SELECTED = 500;

/** `/v2/dlq`: the failed messages. */
export function dlqRoutes({ clock, dlq, publisher }: Services): Hono<Env> {
  const routes = new Hono<Env>();
  const find = (id: string) => found(dlq.get(id, clock.now()), "message");

  const retry = (c: Context<Env>, letter: DeadLetter) => {
    const headers = new Headers(c.req.raw.headers);
    // It describes the body of this request, not that of the message.
    headers.delete("content-type");
    const receipt = publisher.republish(letter.message, parseMessageOptions(headers));
    dlq.remove(letter.dlqId);
    return receipt;
  };

  const pageOf = (parameters: Parameters, matches: Filter, maxCount: number) => {
    const matching = dlq
      .list(clock.now())
      .filter(({ message, failedAt, response }) =>
        matches({ message, time: failedAt, responseStatus: response?.status }),
      );
    return readPage(parameters, matching, { order: "earliestFirst", maxCount });
  };

  const withIds = (ids: readonly string[]): Page<DeadLetter> => ({
    items: dlq.list(clock.now()).filter(({ dlqId }) => ids.includes(dlqId)),
    cursor: undefined,
  });

  const select = async (
    c: Context<Env>,
  ): Promise<Page<DeadLetter> & { readonly missing?: string | undefined }> => {
    const { ids, matches, parameters } = await readSelection(c, {
      ids: "dlqIds",
      filters: DEAD_LETTER_FILTERS,
      others: ["cursor"],
    });
    if (!ids) return pageOf(parameters, matches, MAX_SELECTED);
    const { items } = withIds(ids);
    const isFound = (id: string) => items.some(({ dlqId }) => dlqId === id);
    return {
      items: items.slice(0, bulkCount(parameters)),
      cursor: undefined,
      missing: ids.find((id) => !id.includes(",") && !isFound(id)),
    };
  };

  routes.get("/dlq", (c) => {
    const parameters = queryParameters(c);
    const ids = listOf(parameters, "dlqIds");
    const { items, cursor } =
      ids.length > 0 ? withIds(ids) : pageOf(parameters, readFilter(parameters), MAX_LISTED);
    return c.json({ messages: items.map(deadLetterView), cursor });
  });
  routes.get("/dlq/:id", (c) => c.json(deadLetterView(find(c.req.param("id")))));

  routes.delete("/dlq", async (c) => {
    const { items, cursor } = await select(c);
    for (const { dlqId } of items) dlq.remove(dlqId);
    return c.json({ deleted: items.length, cursor });
  });
  routes.delete("/dlq/:id", (c) => {
    dlq.remove(find(c.req.param("id")).dlqId);
    return c.json({});
  });

  routes.post("/dlq/retry", async (c) => {
    const { items, cursor, missing } = await select(c);
    if (missing !== undefined) throw new ApiError(404, `message ${missing} not found in the DLQ`);
    return c.json({ responses: items.map((letter) => retry(c, letter)), cursor }, 201);
  });
  routes.post("/dlq/retry/:id", (c) => c.json(retry(c, find(c.req.param("id"))), 201));

  return routes;
}

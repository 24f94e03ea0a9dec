import { Hono } from "hono";
import { z } from "zod";
import { checkDestination } from "#src/engine/plan.ts";
import { checkName, found } from "#src/protocol/api-error.ts";
import { parseMessageOptions } from "#src/protocol/message-options.ts";
import { type Env, headersFrom, jsonBody, type Services } from "#src/server/request.ts";

const addSchema = z.object({
  endpoints: z.array(z.object({ url: z.string(), name: z.string().optional() })).min(1),
});
const removeSchema = z.object({
  endpoints: z.array(z.object({ url: z.string().optional(), name: z.string().optional() })),
});

const updateSchema = z.object({
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
});

/** `/v2/topics`: the URL groups. */
export function urlGroupRoutes({ clock, urlGroups, strict }: Services): Hono<Env> {
  const find = (name: string) => found(urlGroups.get(name), "url group");

  return (
    new Hono<Env>()
      .get("/topics", (c) => c.json(urlGroups.list()))
      .get("/topics/:name", (c) => c.json(find(c.req.param("name"))))
      // Deleting is idempotent: the official clients clean up what may not exist.
      .delete("/topics/:name", (c) => {
        urlGroups.remove(c.req.param("name"));
        return c.json({});
      })
      .patch("/topics/:name", async (c) => {
        const { headers } = await jsonBody(c, updateSchema);
        const { name } = find(c.req.param("name"));
        urlGroups.setDefaultHeaders(name, checkedHeaders(headers));
        return c.json({});
      })
      .post("/topics/:name/endpoints", async (c) => {
        const { endpoints } = await jsonBody(c, addSchema);
        for (const { url } of endpoints) checkDestination(url, strict);
        const name = checkName("url group name", c.req.param("name"));
        urlGroups.addEndpoints(name, endpoints, clock.now());
        return c.json({});
      })
      .delete("/topics/:name/endpoints", async (c) => {
        const { endpoints } = await jsonBody(c, removeSchema);
        urlGroups.removeEndpoints(c.req.param("name"), endpoints, clock.now());
        return c.json({});
      })
  );
}

/** @throws ApiError 400 if a publish could not have these headers */
function checkedHeaders(headers: Readonly<Record<string, string | string[]>>): Headers {
  const entries = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
  const checked = headersFrom(entries);
  parseMessageOptions(checked);
  return checked;
}

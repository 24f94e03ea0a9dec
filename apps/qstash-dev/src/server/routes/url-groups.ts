import { Hono } from "hono";
import { z } from "zod";
import { checkDestination } from "#src/engine/plan.ts";
import { checkName, found } from "#src/protocol/api-error.ts";
import { type Env, jsonBody, type Services } from "#src/server/request.ts";

const addSchema = z.object({
  endpoints: z.array(z.object({ url: z.string(), name: z.string().optional() })).min(1),
});
const removeSchema = z.object({
  endpoints: z.array(z.object({ url: z.string().optional(), name: z.string().optional() })),
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

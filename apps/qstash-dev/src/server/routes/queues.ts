import { Hono } from "hono";
import { z } from "zod";
import type { Queue } from "#src/engine/queues.ts";
import { checkName, found } from "#src/protocol/api-error.ts";
import { type Env, jsonBody, type Services } from "#src/server/request.ts";

const upsertSchema = z.object({
  queueName: z.string(),
  parallelism: z.int().min(1).default(1),
  paused: z.boolean().default(false),
});

/** `/v2/queues`. */
export function queueRoutes({ engine, queues }: Services): Hono<Env> {
  const messagesIn = (name: string) => engine.list().filter(({ queueName }) => queueName === name);
  const view = ({ name, createdAt, updatedAt, parallelism, paused }: Queue) => {
    return { name, createdAt, updatedAt, parallelism, paused, lag: messagesIn(name).length };
  };

  return (
    new Hono<Env>()
      .get("/queues", (c) => c.json(queues.list().map(view)))
      .post("/queues", async (c) => {
        const { queueName, ...settings } = await jsonBody(c, upsertSchema);
        queues.configure(checkName("queue name", queueName), settings);
        return c.json({});
      })
      .get("/queues/:name", (c) => {
        const name = checkName("queue name", c.req.param("name"));
        return c.json(view(found(queues.find(name), "queue")));
      })
      // Deleting is idempotent: the official clients clean up what may not exist.
      .delete("/queues/:name", (c) => {
        const name = c.req.param("name");
        for (const { id } of messagesIn(name)) engine.cancel(id);
        queues.remove(name);
        return c.json({});
      })
      .post("/queues/:name/pause", (c) => {
        queues.configure(checkName("queue name", c.req.param("name")), { paused: true });
        return c.json({});
      })
      .post("/queues/:name/resume", (c) => {
        queues.configure(checkName("queue name", c.req.param("name")), { paused: false });
        return c.json({});
      })
  );
}

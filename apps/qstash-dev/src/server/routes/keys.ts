import { Hono } from "hono";
import type { Env, Services } from "#src/server/services.ts";

/** `/v2/keys`. The SDK's development mode looks for a server here. */
export function keyRoutes({ keys }: Services): Hono<Env> {
  return new Hono<Env>()
    .get("/keys", (c) => c.json(keys.pair))
    .post("/keys/rotate", (c) => c.json(keys.rotate()));
}

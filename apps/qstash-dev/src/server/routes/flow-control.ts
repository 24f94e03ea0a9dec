import { Hono } from "hono";
import { z } from "zod";
import { found } from "#src/protocol/api-error.ts";
import { type Env, query, type Services } from "#src/server/request.ts";
import { flowKeyView } from "#src/server/views.ts";

const positive = z.coerce.number().int().min(1).optional();
const pinSchema = z.object({ parallelism: positive, rate: positive, period: positive });
const flag = z
  .enum(["true", "false"])
  .default("false")
  .transform((value) => value === "true");
const unpinSchema = z.object({ parallelism: flag, rate: flag });

/** `/v2/flowControl` and `/v2/globalParallelism`. */
export function flowControlRoutes({ flows }: Services): Hono<Env> {
  return new Hono<Env>()
    .get("/flowControl", (c) => c.json(flows.list(c.req.query("search")).map(flowKeyView)))
    .get("/flowControl/:key", (c) =>
      c.json(flowKeyView(found(flows.find(c.req.param("key")), "flow control key"))),
    )
    .post("/flowControl/:key/pause", (c) => {
      flows.pause(c.req.param("key"), true);
      return c.json({});
    })
    .post("/flowControl/:key/resume", (c) => {
      flows.pause(c.req.param("key"), false);
      return c.json({});
    })
    .post("/flowControl/:key/pin", (c) => {
      const { parallelism, rate, period } = query(c, pinSchema);
      const periodMs = period === undefined ? undefined : period * 1_000;
      flows.pin(c.req.param("key"), { parallelism, rate, periodMs });
      return c.json({});
    })
    .post("/flowControl/:key/unpin", (c) => {
      flows.unpin(c.req.param("key"), query(c, unpinSchema));
      return c.json({});
    })
    .post("/flowControl/:key/resetRate", (c) => {
      flows.resetRate(c.req.param("key"));
      return c.json({});
    })
    .post("/flowControl/:key/reset", (c) => {
      flows.reset(c.req.param("key"));
      return c.json({});
    })
    .get("/globalParallelism", (c) => {
      const active = flows.list().reduce((total, { lane }) => total + lane.active, 0);
      return c.json({ parallelismMax: 0, parallelismCount: active });
    });
}

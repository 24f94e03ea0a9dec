import { Hono } from "hono";
import { z } from "zod";
import { FAULT_NAMES } from "#src/engine/faults.ts";
import { refuseWorkflow } from "#src/protocol/api-error.ts";
import { type Env, jsonBody, type Services } from "#src/server/request.ts";

/** `/v2/keys`: the signing keys. The SDK's development mode looks for a server here. */
export function keyRoutes({ keys }: Services): Hono<Env> {
  return new Hono<Env>()
    .get("/keys", (c) => c.json(keys.pair))
    .post("/keys/rotate", (c) => c.json(keys.rotate()));
}

/** `/v2/readiness`: whether the server accepts requests. */
export function readinessRoutes(): Hono<Env> {
  return new Hono<Env>().get("/readiness", (c) => c.json({ ready: true }));
}

const WORKFLOW_PATHS = ["workflows", "trigger", "notify", "wait", "waiters", "waitForEvent"];

/** The endpoints of Upstash Workflow, which this server does not have. */
export function workflowRoutes(): Hono<Env> {
  const paths = WORKFLOW_PATHS.flatMap((path) => [`/${path}`, `/${path}/*`]);
  return new Hono<Env>().on(["GET", "POST", "PUT", "PATCH", "DELETE"], paths, refuseWorkflow);
}

const probability = z.number().min(0).max(1);
const faultsSchema = z.partialRecord(
  z.enum(FAULT_NAMES),
  z.union([
    probability,
    z.strictObject({
      probability: probability.default(1),
      times: z.int().min(1).optional(),
      longest: z.int().min(1).optional(),
    }),
  ]),
);

/** `/dev/faults`: reads, sets and clears the faults. Production has no such endpoint. */
export function faultRoutes({ faults }: Services): Hono<Env> {
  return new Hono<Env>()
    .get("/faults", (c) => c.json(faults.current))
    .post("/faults", async (c) => {
      faults.set(await jsonBody(c, faultsSchema));
      return c.json(faults.current);
    })
    .delete("/faults", (c) => {
      faults.clear();
      return c.json(faults.current);
    });
}

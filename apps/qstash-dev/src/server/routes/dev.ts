import { Hono } from "hono";
import { z } from "zod";
import { FAULT_NAMES } from "#src/engine/faults.ts";
import { jsonBody } from "#src/server/request.ts";
import type { Env, Services } from "#src/server/services.ts";

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

/** `/dev/faults`, which production does not have: read, set and clear the faults. */
export function devRoutes({ faults }: Services): Hono<Env> {
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

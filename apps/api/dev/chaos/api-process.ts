import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { jobsController } from "#src/interfaces/http/controllers/jobs.controller.ts";
import { errorResponse } from "#src/interfaces/http/errors.ts";
import { orbitApp } from "./orbit-app.ts";
import { log, ready } from "./process-side.ts";

// An API instance with the webhook. Its runtime also sweeps the outbox.

const { runtime, pool, dispatcher } = orbitApp();
if (!dispatcher) throw new Error("The qstash provider has a dispatcher.");
const app = new Hono()
  .onError((error, c) => errorResponse(error, c, log))
  .route("/v1", jobsController(dispatcher));
const listening = Promise.withResolvers<number>();
const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
  listening.resolve(port),
);
const port = await listening.promise;
await runtime.start();
ready(`http://127.0.0.1:${port}`, async () => {
  await runtime.stop();
  await new Promise((resolve) => server.close(resolve));
  await pool.end();
});

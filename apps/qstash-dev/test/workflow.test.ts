import { serve } from "@upstash/qstash/workflow";
import { expect, test } from "vitest";
import { openWorld } from "./support/world.ts";

const REFUSAL = {
  error:
    "this local QStash does not run Upstash Workflow: use the official development server for it (npx @upstash/qstash-cli dev)",
};

test.each([
  ["POST", "/v2/trigger/https://app.test/flow"],
  ["GET", "/v2/workflows/logs"],
  ["GET", "/v2/workflows/events"],
  ["GET", "/v2/workflows/runs/wfr_1"],
  ["DELETE", "/v2/workflows/runs/wfr_1?cancel=true"],
  ["DELETE", "/v2/workflows/runs"],
  ["GET", "/v2/workflows/dlq"],
  ["POST", "/v2/workflows/dlq/resume/1-1"],
  ["POST", "/v2/workflows/dlq/restart"],
  ["POST", "/v2/notify/event"],
  ["POST", "/v2/notify/wfr_1/event"],
  ["GET", "/v2/waiters/event"],
  ["POST", "/v2/wait/event"],
])("%s %s says what to use instead", async (method, path) => {
  const { call } = await openWorld();
  const response = await call(method, path);
  expect(response.status).toBe(501);
  expect(await response.json()).toEqual(REFUSAL);
});

test("a message with a workflow header is refused, wherever it is published", async () => {
  const { call, clock, destination } = await openWorld();
  const url = `${destination.url}/flow`;
  const headers = { "Upstash-Workflow-RunId": "wfr_1" };
  const batch = JSON.stringify([{ destination: url }, { destination: url, headers }]);
  for (const response of [
    await call("POST", `/v2/publish/${url}`, { headers }),
    await call("POST", `/v2/publish/${url}?upstash-workflow-init=true`),
    await call("POST", `/v2/enqueue/line/${url}`, { headers }),
    await call("POST", `/v2/schedules/${url}`, {
      headers: { ...headers, "Upstash-Cron": "* * * * *" },
    }),
    await call("POST", "/v2/batch", { body: batch }),
  ]) {
    expect(response.status).toBe(501);
    expect(await response.json()).toEqual(REFUSAL);
  }
  await clock.settle();
  expect(destination.received).toEqual([]);
});

test("a workflow app of the official client shows the reason", async () => {
  const { client } = await openWorld();
  const url = "https://app.test/flow";
  const app = serve(
    async (context) => {
      await context.run("step", () => 1);
    },
    { qstashClient: client, url },
  );
  const start = () => app(new Request(url, { method: "POST", body: "{}" }));
  const outcome = await start().then(
    (response) => response.text(),
    (error: unknown) => String(error),
  );
  expect(outcome).toContain(REFUSAL.error);
});

import { createQStashDev } from "@orbit/qstash-dev";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { openWebhook, type Webhook } from "../support/webhook.ts";

const attempts: number[] = [];
const dev = createQStashDev({ log: () => undefined });
let webhook: Webhook;

beforeAll(async () => {
  const job = contractJob("contract.work", async (_payload, { attempt }) => {
    attempts.push(attempt);
  });
  webhook = await openWebhook([job], await dev.start());
});
afterEach(async () => {
  attempts.length = 0;
  webhook.proxy.flow();
  await webhook.runtime.start();
});
afterAll(async () => {
  await webhook.close();
  await dev.close();
});

test("503 with Retry-After while the instance stops, and no attempt is counted", async () => {
  await webhook.runtime.stop();
  const headers = { "upstash-message-id": "msg_refused" };
  const answer = await webhook.deliver("contract.work", "1", { headers });
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await answer.json()).toMatchObject({ error: { code: "jobs.retry_later" } });
  await webhook.runtime.start();
  await webhook.deliver("contract.work", "1", {
    headers: { ...headers, "upstash-retried": "1" },
  });
  expect(attempts).toEqual([1]);
});

test("deliveries that begin no run are retried soon, then later and later, for over nine hours", async () => {
  await webhook.runtime.stop();
  const pauses = async (retries: number) => {
    const seconds: number[] = [];
    for (let retried = 0; retried < retries; retried++) {
      const answer = await webhook.deliver("contract.work", "1", {
        search: `?retries=${retries}`,
        headers: { "upstash-retried": String(retried) },
      });
      seconds.push(Number(answer.headers.get("retry-after")));
    }
    return seconds;
  };
  const twelve = await pauses(12);
  expect(twelve.slice(0, 4)).toEqual([1, 1, 3, 8]);
  expect(twelve.reduce((sum, seconds) => sum + seconds)).toBeGreaterThan(9 * 3_600);
  // If the plan allows few retries, the last one comes when an outage may be over.
  expect(await pauses(3)).toEqual([1, 1, 1_800]);
});

test("503 within seconds if the database does not answer before the run begins", async () => {
  webhook.proxy.stall();
  const headers = { "upstash-message-id": "msg_silent", "upstash-retried": "1" };
  const asked = performance.now();
  const answer = await webhook.deliver("contract.work", "1", { headers });
  expect(performance.now() - asked).toBeLessThan(3_000);
  expect([answer.status, attempts]).toEqual([503, []]);
  webhook.proxy.flow();
  // The refusal is recorded as soon as the database answers again.
  await eventually("it is recorded", async () => (await webhook.refusals("msg_silent")) === 1);
  const again = { ...headers, "upstash-retried": "2" };
  expect((await webhook.deliver("contract.work", "1", { headers: again })).status).toBe(200);
  expect(attempts).toEqual([2]);
});

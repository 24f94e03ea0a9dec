import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { openWebhook, type Webhook } from "../support/webhook.ts";

const attempts: number[] = [];
let webhook: Webhook;

beforeAll(async () => {
  webhook = await openWebhook([
    contractJob("contract.work", async (_payload, { attempt }) => void attempts.push(attempt)),
  ]);
});
afterEach(() => {
  attempts.length = 0;
  webhook.dispatcher.intake.reopen();
  webhook.proxy.flow();
});
afterAll(() => webhook.close());

test("503 with Retry-After while the instance stops; what it refused is no attempt", async () => {
  await webhook.dispatcher.intake.close(0);
  const headers = { "upstash-message-id": "msg_refused" };
  const answer = await webhook.deliver("contract.work", "1", { headers });
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  webhook.dispatcher.intake.reopen();
  await webhook.deliver("contract.work", "1", {
    headers: { ...headers, "upstash-retried": "1" },
  });
  expect(attempts).toEqual([1]);
});

test("whoever begins no run is asked again soon, then later and later, over nine hours", async () => {
  await webhook.dispatcher.intake.close(0);
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
  // Where the plan allows few, the last of them comes when an outage may be over.
  expect(await pauses(3)).toEqual([1, 1, 1_800]);
});

test("503 soon when the database is silent before the run begins: another instance may have one", async () => {
  webhook.proxy.stall();
  const headers = { "upstash-message-id": "msg_silent", "upstash-retried": "1" };
  const asked = performance.now();
  const answer = await webhook.deliver("contract.work", "1", { headers });
  expect(performance.now() - asked).toBeLessThan(3_000);
  expect([answer.status, attempts]).toEqual([503, []]);
  webhook.proxy.flow();
  // The note of the refusal follows as soon as the database listens again.
  await eventually("it is noted", async () => (await webhook.refusals("msg_silent")) === 1);
  const again = { ...headers, "upstash-retried": "2" };
  expect((await webhook.deliver("contract.work", "1", { headers: again })).status).toBe(200);
  expect(attempts).toEqual([2]);
});

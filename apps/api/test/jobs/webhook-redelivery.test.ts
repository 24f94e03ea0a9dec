import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { openWebhook, type Webhook } from "../support/webhook.ts";

// Unusual deliveries: twice, after deliveries that found no instance, from the DLQ.

const runs: number[] = [];
let succeeds = true;
let webhook: Webhook;

beforeAll(async () => {
  webhook = await openWebhook([
    contractJob(
      "contract.work",
      async (_payload, { attempt }) => {
        runs.push(attempt);
        if (!succeeds) throw new Error("fails");
      },
      { schedule: { cron: "0 * * * *", payload: 0, backfill: 60_000 } },
    ),
  ]);
});
afterEach(() => {
  runs.length = 0;
  succeeds = true;
});
afterAll(() => webhook.close());

const deliver = async (id: string, retried: number, search = "", body = "1") => {
  const headers = { "upstash-message-id": id, "upstash-retried": String(retried) };
  return (await webhook.deliver("contract.work", body, { search, headers })).status;
};

test("a last attempt that is delivered twice runs once, and both deliveries get its result", async () => {
  expect(await deliver("msg_twice", 0, "?maxAttempts=1")).toBe(200);
  expect(await deliver("msg_twice", 0, "?maxAttempts=1")).toBe(200);
  succeeds = false;
  expect(await deliver("msg_dead", 0, "?maxAttempts=1")).toBe(489);
  expect(await deliver("msg_dead", 1, "?maxAttempts=1")).toBe(489);
  expect(runs).toEqual([1, 1]);
});

test("a scheduled job gets its last attempt even after retries that found no instance", async () => {
  succeeds = false;
  expect(await deliver("msg_tick", 0, "?maxAttempts=3&backfill=60000")).toBe(500);
  expect(await deliver("msg_tick", 3, "?maxAttempts=3&backfill=60000")).toBe(489);
  expect(runs).toEqual([1, 3]);
});

test("a retry from the DLQ is a new message with all its attempts", async () => {
  succeeds = false;
  const search = "?id=job-1&maxAttempts=1";
  expect(await deliver("msg_before", 0, search)).toBe(489);
  succeeds = true;
  expect(await deliver("msg_from_the_dlq", 0, search)).toBe(200);
  expect(runs).toEqual([1, 1]);
});

test("a body that Postgres cannot store is dead, as any body that is not JSON", async () => {
  expect(await deliver("msg_nul", 0, "", "\0")).toBe(489);
  expect(runs).toEqual([]);
});

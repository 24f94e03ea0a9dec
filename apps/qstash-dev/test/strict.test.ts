import { describe, expect, test } from "vitest";
import { anyString, containing, matching } from "./support/matchers.ts";
import { at, openWorld } from "./support/world.ts";

const url = "https://example.com/hook";
const DAY_S = 86_400;

describe("strict mode", () => {
  test.each([
    "http://127.0.0.1:3000/hook",
    "http://localhost/hook",
    "http://api.localhost/hook",
    "http://[::1]:3000/hook",
    "http://0.0.0.0/hook",
  ])("refuses %s as destination and as callback", async (loopback) => {
    const { client } = await openWorld({ strict: true });
    const refusal = {
      status: 400,
      message: matching(/invalid destination url: .*resolves to a loopback address/),
    };
    await expect(client.publish({ url: loopback })).rejects.toMatchObject(refusal);
    await expect(client.batch([{ url: loopback }])).rejects.toMatchObject(refusal);
    await expect(client.publish({ url, callback: loopback })).rejects.toMatchObject(refusal);
    await expect(
      client.schedules.create({ destination: loopback, cron: "* * * * *" }),
    ).rejects.toMatchObject(refusal);
  });

  test.each([
    ["free", { delay: 7 * DAY_S + 1 }, "quota maxDelay exceeded, current limit: 604800"],
    ["free", { retries: 4 }, "quota maxRetries exceeded"],
    ["free", { body: "x".repeat(1024 * 1024 + 1) }, "quota maxMessageSize exceeded"],
    ["payg", { delay: 366 * DAY_S }, "quota maxDelay exceeded"],
  ] as const)("the %s plan refuses anything above its limits", async (plan, settings, message) => {
    const { client } = await openWorld({ strict: true, plan });
    await expect(client.publish({ url, ...settings })).rejects.toMatchObject({
      message: containing(message),
    });
  });

  test("treats an absolute time as a delay", async () => {
    const { client, clock } = await openWorld({ strict: true });
    const notBefore = Math.floor(clock.now() / 1_000) + 8 * DAY_S;
    await expect(client.publish({ url, notBefore })).rejects.toMatchObject({
      message: containing("maxDelay"),
    });
  });

  test("the pay-as-you-go plan has higher limits", async () => {
    const { client } = await openWorld({ strict: true, plan: "payg" });
    await expect(
      client.publish({ url, retries: 5, delay: 300 * DAY_S, body: "x".repeat(2 * 1024 * 1024) }),
    ).resolves.toMatchObject({ messageId: anyString });
  });

  test("the free plan allows ten schedules and a thousand messages a day", async () => {
    const { client, clock } = await openWorld({ strict: true });
    const create = (n: number) =>
      client.schedules.create({
        destination: url,
        cron: "0 0 1 1 *",
        scheduleId: `s${n}`,
      });
    for (let n = 0; n < 10; n++) await create(n);
    await expect(create(10)).rejects.toMatchObject({ status: 412 });
    await create(9);

    const tooMany = Array.from({ length: 1_001 }, () => ({ url, delay: 2 * DAY_S }));
    await expect(client.batch(tooMany)).rejects.toMatchObject({ status: 429 });
    const thousand = Array.from({ length: 1_000 }, () => ({ url, delay: 2 * DAY_S }));
    await client.batch(thousand);
    await expect(client.publish({ url })).rejects.toMatchObject({
      name: "QstashDailyRatelimitError",
      status: 429,
      limit: "1000",
      remaining: "0",
    });
    await clock.advance(DAY_S * 1_000);
    await client.publish({ url, delay: DAY_S });
  });
});

test("without strict mode, loopback destinations and any delay are accepted", async () => {
  const { client, clock, destination } = await openWorld();
  await client.publish({ url: destination.url, delay: 400 * DAY_S, retries: 100 });
  await clock.advance(400 * DAY_S * 1_000);
  expect(at(destination.received, 0).method).toBe("POST");
});

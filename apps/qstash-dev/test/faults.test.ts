import { Client } from "@upstash/qstash";
import { describe, expect, test } from "vitest";
import { anyString } from "./support/matchers.ts";
import { MINUTE, openWorld, SECOND } from "./support/world.ts";

describe("delivery faults", () => {
  test("duplicate delivers a message twice with the same id", async () => {
    const { client, clock, destination, verify } = await openWorld({ faults: { duplicate: 1 } });
    await client.publish({ url: `${destination.url}/hook`, body: "x" });
    await clock.settle();
    expect(destination.received).toHaveLength(2);
    const [first, second] = destination.received.map(({ headers }) => headers);
    expect(second?.get("upstash-message-id")).toBe(first?.get("upstash-message-id"));
    expect(second?.get("upstash-retried")).toBe("0");
    for (const request of destination.received) await expect(verify(request)).resolves.toBe(true);
  });

  test("reorder lets the next message overtake", async () => {
    const { client, clock, destination } = await openWorld({
      faults: { reorder: { probability: 1, times: 1 } },
    });
    await client.publish({ url: `${destination.url}/1` });
    await client.publish({ url: `${destination.url}/2` });
    await clock.advance(SECOND);
    expect(destination.received.map(({ url }) => new URL(url).pathname)).toEqual(["/2", "/1"]);
  });

  test("delay postpones deliveries", async () => {
    const { client, clock, destination } = await openWorld({ faults: { delay: 1 } });
    await client.publish({ url: destination.url });
    await clock.advance(SECOND - 1);
    expect(destination.received).toHaveLength(0);
    await clock.advance(MINUTE);
    expect(destination.received).toHaveLength(1);
  });

  test("delay stays below its longest delay", async () => {
    const { client, clock, destination } = await openWorld({
      faults: { delay: { probability: 1, longest: 200 } },
    });
    await client.publish({ url: destination.url });
    await clock.advance(199);
    expect(destination.received).toHaveLength(0);
    await clock.advance(1);
    expect(destination.received).toHaveLength(1);
  });

  test("occur with their probability", async () => {
    const tosses = [0.1, 0.9, 0.49, 0.5];
    const { client, clock, destination } = await openWorld({
      faults: { duplicate: 0.5 },
      random: () => tosses.shift() ?? 1,
    });
    for (let n = 0; n < 4; n++) {
      await client.publish({ url: destination.url });
      await clock.settle();
    }
    expect(destination.received).toHaveLength(6);
  });
});

describe("API faults", () => {
  test("drop-answer publishes without an answer, so the SDK publishes again", async () => {
    const { clock, destination, server } = await openWorld({
      faults: { "drop-answer": { probability: 1, times: 1 } },
    });
    const retry = { retries: 1, backoff: () => 0 };
    const client = new Client({ baseUrl: server.url, token: server.token, retry, devMode: false });
    const receipt = await client.publish({ url: destination.url });
    await clock.settle();
    expect(receipt.messageId).toMatch(/^msg_/);
    expect(destination.received).toHaveLength(2);
  });

  test("a deduplication id makes drop-answer harmless", async () => {
    const { clock, destination, server } = await openWorld({
      faults: { "drop-answer": { probability: 1, times: 1 } },
    });
    const retry = { retries: 1, backoff: () => 0 };
    const client = new Client({ baseUrl: server.url, token: server.token, retry, devMode: false });
    const receipt = await client.publish({ url: destination.url, deduplicationId: "once" });
    await clock.settle();
    expect(receipt.deduplicated).toBe(true);
    expect(destination.received).toHaveLength(1);
  });

  test("answer-500 and answer-429 refuse a request before it takes effect", async () => {
    const { client, clock, destination, server } = await openWorld({ faults: { "answer-500": 1 } });
    const publish = () => client.publish({ url: destination.url });
    await expect(publish()).rejects.toMatchObject({ status: 500 });
    server.faults.set({ "answer-500": 0, "answer-429": 1 });
    await expect(publish()).rejects.toMatchObject({
      name: "QstashRatelimitError",
      status: 429,
      remaining: "0",
    });
    server.faults.clear();
    await clock.settle();
    expect(destination.received).toHaveLength(0);
    await publish();
    await clock.settle();
    expect(destination.received).toHaveLength(1);
  });

  test("spare reads", async () => {
    const { client } = await openWorld({ faults: { "answer-500": 1, "drop-answer": 1 } });
    expect((await client.logs()).logs).toEqual([]);
  });
});

test("/dev/faults switches the faults on and off", async () => {
  const { call, server } = await openWorld();
  const post = (body: unknown) => call("POST", "/dev/faults", { body: JSON.stringify(body) });
  await post({ duplicate: 0.25, "answer-500": { times: 2 } });
  const on = { duplicate: { probability: 0.25 }, "answer-500": { probability: 1, times: 2 } };
  expect(await (await call("GET", "/dev/faults")).json()).toEqual(on);
  expect(server.faults.current).toEqual(on);
  for (const bad of [{ nonsense: 1 }, { duplicate: 2 }, [], { delay: { often: 1 } }]) {
    const response = await post(bad);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: anyString });
  }
  expect(await (await call("DELETE", "/dev/faults")).json()).toEqual({});
});

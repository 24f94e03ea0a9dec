import { describe, expect, test } from "vitest";
import { anyString, containing, matching } from "./support/matchers.ts";
import { at, onlyRequest, openWorld, SECOND } from "./support/world.ts";

describe("batch", () => {
  test("publishes each item with its own settings", async () => {
    const { client, clock, destination } = await openWorld();
    const receipts = await client.batchJSON([
      { url: `${destination.url}/now?x=1`, body: { n: 1 }, headers: { "X-N": "1" } },
      { url: `${destination.url}/later`, body: { n: 2 }, delay: 30 },
      { url: `${destination.url}/queued`, body: { n: 3 }, queueName: "line" },
    ]);
    await clock.settle();

    expect(receipts).toHaveLength(3);
    expect(new Set(receipts.map(({ messageId }) => messageId)).size).toBe(3);
    const now = destination.received.find(({ url }) => url.endsWith("/now?x=1"));
    expect(now?.body.toString()).toBe('{"n":1}');
    expect(now?.headers.get("x-n")).toBe("1");
    expect(now?.headers.get("content-type")).toBe("application/json");
    await expect(client.queue({ queueName: "line" }).get()).resolves.toMatchObject({ lag: 0 });

    await clock.advance(30 * SECOND);
    expect(at(destination.received, -1).url).toBe(`${destination.url}/later`);
  });

  test("publishes the valid items and answers the invalid ones with an error", async () => {
    const { client, clock, destination } = await openWorld();
    const receipts = await client.batchJSON([
      { url: `${destination.url}/1` },
      { url: "nonsense" },
      { url: destination.url, headers: { "Upstash-Delay": "soon" } },
      { url: destination.url, queueName: "a b" },
      { url: destination.url, headers: { "Upstash-Deduplication-Id": "a:b" } },
      { url: `${destination.url}/2` },
    ]);
    await clock.settle();
    const accepted = { messageId: matching(/^msg_/) };
    expect(receipts).toMatchObject([
      accepted,
      { error: containing("invalid scheme") },
      { error: containing("invalid delay") },
      { error: containing("invalid queue name") },
      { error: containing("cannot contain ':'") },
      accepted,
    ]);
    expect(destination.received.map(({ url }) => new URL(url).pathname).sort()).toEqual([
      "/1",
      "/2",
    ]);
  });

  test("refuses the batch if every item is invalid", async () => {
    const { client } = await openWorld();
    await expect(client.batch([{ url: "nonsense" }, { url: "x" }])).rejects.toMatchObject({
      status: 400,
      message: containing("invalid scheme"),
    });
  });

  test("accepts null for every optional field, as the Python client sends it", async () => {
    const { call, clock, destination } = await openWorld();
    const item = { destination: destination.url, headers: null, body: null, queue: null };
    const response = await call("POST", "/v2/batch", { body: JSON.stringify([item]) });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject([{ messageId: matching(/^msg_/) }]);
    await clock.settle();
    expect(onlyRequest(destination).body).toHaveLength(0);
  });

  test("refuses a body that is not a batch", async () => {
    const { call } = await openWorld();
    for (const body of ["{", '{"destination":"x"}', '[{"destination":1}]']) {
      const response = await call("POST", "/v2/batch", { body });
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ error: anyString });
    }
  });
});

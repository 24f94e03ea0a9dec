import { expect, test } from "vitest";
import { HOUR, MINUTE, openWorld } from "./support/world.ts";

test("a second publish with the same id is absorbed for ten minutes", async () => {
  const { call, client, clock, destination } = await openWorld();
  const publish = () => client.publish({ url: destination.url, deduplicationId: "order-1" });

  const first = await publish();
  expect(first.deduplicated).toBeUndefined();
  await clock.advance(10 * MINUTE - 1);
  expect(await publish()).toMatchObject({ messageId: first.messageId, deduplicated: true });
  const headers = { "Upstash-Deduplication-Id": "order-1" };
  expect((await call("POST", `/v2/publish/${destination.url}`, { headers })).status).toBe(202);
  expect(destination.received).toHaveLength(1);

  await clock.advance(1);
  const later = await publish();
  expect(later.messageId).not.toBe(first.messageId);
  await clock.settle();
  expect(destination.received).toHaveLength(2);
});

test("a message that failed still blocks its id", async () => {
  const { client, clock, destination } = await openWorld();
  destination.answer(() => ({ status: 500 }));
  const publish = () =>
    client.publish({ url: destination.url, deduplicationId: "order-1", retries: 0 });
  await publish();
  await clock.settle();
  expect(await publish()).toMatchObject({ deduplicated: true });
});

test("content-based deduplication compares destination, headers and body", async () => {
  const { client, clock, destination } = await openWorld();
  const publish = (body: string, trace = "1", path = "/a") =>
    client.publish({
      url: `${destination.url}${path}`,
      body,
      headers: { "X-Trace": trace },
      contentBasedDeduplication: true,
    });
  const first = await publish("same");
  expect(await publish("same")).toMatchObject({ messageId: first.messageId, deduplicated: true });
  for (const other of [publish("other"), publish("same", "2"), publish("same", "1", "/b")]) {
    expect((await other).deduplicated).toBeUndefined();
  }
  await clock.advance(HOUR);
  expect(destination.received).toHaveLength(4);
});

test("a batch deduplicates within itself", async () => {
  const { client, clock, destination } = await openWorld();
  const item = () => ({ url: destination.url, deduplicationId: "twin" });
  const receipts = await client.batch([item(), item()]);
  await clock.settle();
  expect(receipts).toMatchObject([{}, { deduplicated: true }]);
  expect(destination.received).toHaveLength(1);
});

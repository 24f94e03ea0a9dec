import { expect, test } from "vitest";
import { z } from "zod";
import { anyNumber } from "./support/matchers.ts";
import { at, MINUTE, openWorld, SECOND } from "./support/world.ts";

const decode = (base64: unknown) => Buffer.from(String(base64), "base64").toString();

function json(body: Buffer): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(JSON.parse(body.toString()));
}

test("a signed callback reports the answer of the destination", async () => {
  const { client, clock, destination, verify } = await openWorld();
  destination.answer(({ url }) =>
    url.endsWith("/work") ? { status: 201, headers: { "X-Made": "7" }, body: "made" } : {},
  );
  const { messageId } = await client.publishJSON({
    url: `${destination.url}/work`,
    body: { n: 1 },
    callback: `${destination.url}/called`,
    headers: { "Upstash-Callback-Forward-X-Secret": "s", "Upstash-Callback-Method": "PUT" },
  });
  await clock.settle();

  const [, callback, ...others] = destination.received;
  expect(others).toEqual([]);
  if (!callback) throw new Error("there was no callback");
  await expect(verify(callback)).resolves.toBe(true);
  expect(callback).toMatchObject({ method: "PUT", url: `${destination.url}/called` });
  expect(callback.headers.get("content-type")).toBe("application/json");
  expect(callback.headers.get("x-secret")).toBe("s");
  const body = json(callback.body);
  expect(body).toMatchObject({
    status: 201,
    header: { "X-Made": ["7"] },
    retried: 0,
    maxRetries: 3,
    sourceMessageId: messageId,
    url: `${destination.url}/work`,
    method: "POST",
    sourceHeader: { "Content-Type": ["application/json"] },
    createdAt: anyNumber,
    notBefore: anyNumber,
    callerIP: "127.0.0.1",
  });
  expect(decode(body["body"])).toBe("made");
  expect(decode(body["sourceBody"])).toBe('{"n":1}');
});

test("each attempt calls the callback, the last failure calls the failure callback", async () => {
  const { client, clock, destination } = await openWorld();
  destination.answer(({ url }) => (url.endsWith("/work") ? { status: 500, body: "broken" } : {}));
  await client.publish({
    url: `${destination.url}/work`,
    body: "x",
    retries: 1,
    callback: `${destination.url}/called`,
    failureCallback: `${destination.url}/failed`,
  });
  await clock.advance(MINUTE);

  const bodies = (path: string) =>
    destination.received.filter(({ url }) => url.endsWith(path)).map(({ body }) => json(body));
  expect(bodies("/called")).toMatchObject([
    { status: 500, retried: 0 },
    { status: 500, retried: 1 },
  ]);
  const { messages } = await client.dlq.listMessages();
  expect(bodies("/failed")).toMatchObject([
    { status: 500, retried: 1, maxRetries: 1, dlqId: at(messages, 0).dlqId },
  ]);
});

test("a failed callback follows its own retry headers", async () => {
  const { client, clock, destination } = await openWorld();
  destination.answer(({ url }) => ({ status: url.endsWith("/called") ? 500 : 200 }));
  await client.publish({
    url: `${destination.url}/work`,
    callback: `${destination.url}/called`,
    headers: { "Upstash-Callback-Retries": "1", "Upstash-Callback-Retry-Delay": "2000" },
  });
  await clock.advance(2 * SECOND - 1);
  expect(destination.received).toHaveLength(2);
  await clock.advance(MINUTE);
  expect(destination.received).toHaveLength(3);
});

test("a callback has its own flow control, labels, time and redaction", async () => {
  const { client, clock, destination } = await openWorld();
  const start = clock.now();
  await client.flowControl.pause("callbacks");
  await client.publish({
    url: `${destination.url}/work`,
    label: "work",
    callback: `${destination.url}/called`,
    headers: {
      "Upstash-Callback-Flow-Control-Key": "callbacks",
      "Upstash-Callback-Flow-Control-Value": "parallelism=1",
      "Upstash-Callback-Label": "report,audit",
      "Upstash-Callback-Not-Before": String(Math.ceil(start / SECOND) + 90),
      "Upstash-Callback-Redact-Fields": "body",
    },
  });
  await clock.advance(89 * SECOND);
  expect(await client.flowControl.get("callbacks")).toMatchObject({ waitListSize: 0 });
  await clock.advance(2 * SECOND);
  expect(await client.flowControl.get("callbacks")).toMatchObject({ waitListSize: 1 });
  expect(destination.received).toHaveLength(1);
  await client.flowControl.resume("callbacks");
  await clock.settle();
  expect(at(destination.received, 1).url).toBe(`${destination.url}/called`);
  const { logs } = await client.logs({ filter: { label: "audit", state: "DELIVERED" } });
  expect(logs).toMatchObject([{ labels: ["report", "audit"], flowControlKey: "callbacks" }]);
  expect(at(logs, 0).body).toMatch(/^REDACTED:/);
});

test("a callback with an invalid option is refused", async () => {
  const { client, destination } = await openWorld();
  await expect(
    client.publish({
      url: destination.url,
      callback: destination.url,
      headers: { "Upstash-Callback-Flow-Control-Key": "k" },
    }),
  ).rejects.toMatchObject({ status: 400 });
});

test("a callback reports an unreachable destination with status 0", async () => {
  const { client, clock, destination } = await openWorld();
  await client.publish({
    url: "http://127.0.0.1:1/",
    retries: 0,
    failureCallback: `${destination.url}/failed`,
  });
  await clock.settle();
  const body = json(at(destination.received, 0).body);
  expect(body).toMatchObject({ status: 0, header: {} });
  expect(decode(body["body"])).toContain("ECONNREFUSED");
});

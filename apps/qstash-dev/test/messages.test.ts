import { describe, expect, test } from "vitest";
import { z } from "zod";
import { BEGINNING, HOUR, MINUTE, openWorld } from "./support/world.ts";

describe("a waiting message", () => {
  test("shows its settings", async () => {
    const { client, destination } = await openWorld();
    const { messageId } = await client.publish({
      url: `${destination.url}/hook`,
      body: "hello",
      headers: { "Content-Type": "text/plain", "X-Trace": "1" },
      delay: 60,
      retries: 2,
      retryDelay: "1000",
      method: "PUT",
      callback: `${destination.url}/c`,
      failureCallback: `${destination.url}/f`,
      label: "greeting",
      flowControl: { key: "k", rate: 5, period: "1m", parallelism: 2 },
    });
    expect(await client.messages.get(messageId)).toMatchObject({
      messageId,
      url: `${destination.url}/hook`,
      method: "PUT",
      header: { "Content-Type": ["text/plain"], "X-Trace": ["1"] },
      body: "hello",
      maxRetries: 2,
      retryDelayExpression: "1000",
      createdAt: BEGINNING,
      notBefore: BEGINNING + MINUTE,
      callback: `${destination.url}/c`,
      failureCallback: `${destination.url}/f`,
      callerIp: "127.0.0.1",
      flowControlKey: "k",
      rate: 5,
      period: 60,
      parallelism: 2,
      label: "greeting",
      labels: ["greeting"],
    });
  });

  test("has no body field if it has no body, nor has its dead letter", async () => {
    const { client, clock, destination } = await openWorld();
    destination.answer(() => ({ status: 500 }));
    const { messageId } = await client.publish({ url: destination.url, delay: 60, retries: 0 });
    expect(await client.messages.get(messageId)).not.toHaveProperty("body");
    await clock.advance(MINUTE);
    const { messages } = await client.dlq.listMessages();
    expect(messages).toMatchObject([{ messageId }]);
    for (const letter of messages) {
      expect(letter).not.toHaveProperty("body");
      expect(letter).not.toHaveProperty("responseBody");
    }
  });

  test("shows binary bodies in base64 and hides redacted fields", async () => {
    const { call, client, destination } = await openWorld();
    const body = Buffer.from([0xff, 0x00]);
    const publish = async (headers: Record<string, string>) => {
      const response = await call("POST", `/v2/publish/${destination.url}`, {
        body,
        headers: { "Upstash-Delay": "1h", "Upstash-Forward-Authorization": "secret", ...headers },
      });
      const receipt = z.object({ messageId: z.string() }).parse(await response.json());
      return client.messages.get(receipt.messageId);
    };
    const plain = await publish({});
    expect(plain.body).toBeUndefined();
    expect(plain).toMatchObject({ bodyBase64: "/wA=", header: { Authorization: ["secret"] } });

    const hidden = await publish({ "Upstash-Redact-Fields": "body, header[Authorization]" });
    expect(hidden.body).toMatch(/^REDACTED:[0-9a-f]{64}$/);
    expect(hidden.header?.["Authorization"]?.[0]).toMatch(/^REDACTED:/);
  });

  test("can be read for a minute after its delivery, but not cancelled", async () => {
    const { client, clock, destination } = await openWorld();
    const queue = client.queue({ queueName: "line" });
    const { messageId } = await queue.enqueue({ url: destination.url, body: "x" });
    await clock.settle();
    await expect(client.messages.cancel(messageId)).rejects.toMatchObject({ status: 404 });
    expect(await client.messages.cancel({ all: true })).toEqual({ cancelled: 0 });
    expect(await queue.get()).toMatchObject({ lag: 0 });
    await clock.advance(MINUTE - 1);
    expect(await client.messages.get(messageId)).toMatchObject({ messageId, body: "x" });
    await clock.advance(1);
    await expect(client.messages.get(messageId)).rejects.toMatchObject({ status: 404 });
  });

  test("cannot be read after it failed or was cancelled", async () => {
    const { client, clock, destination } = await openWorld();
    destination.answer(() => ({ status: 500 }));
    const failed = await client.publish({ url: destination.url, retries: 0 });
    const cancelled = await client.publish({ url: destination.url, delay: 60 });
    await clock.settle();
    await client.messages.cancel(cancelled.messageId);
    for (const { messageId } of [failed, cancelled]) {
      await expect(client.messages.get(messageId)).rejects.toMatchObject({ status: 404 });
    }
  });
});

describe("running a message now", () => {
  test("delivers a delayed message without waiting", async () => {
    const { call, client, clock, destination } = await openWorld();
    const { messageId } = await client.publish({ url: destination.url, delay: "1h" });
    expect((await call("POST", `/v2/messages/${messageId}/retry`)).status).toBe(200);
    await clock.settle();
    expect(destination.received).toHaveLength(1);
    await clock.advance(2 * HOUR);
    expect(destination.received).toHaveLength(1);
  });

  test("does the retry that waits, without adding an attempt", async () => {
    const { call, client, clock, destination } = await openWorld();
    destination.answer(() => ({ status: 500 }));
    const { messageId } = await client.publish({ url: destination.url, retries: 1 });
    await clock.settle();
    expect((await call("POST", `/v2/messages/${messageId}/retry`)).status).toBe(200);
    await clock.settle();
    expect(destination.received).toHaveLength(2);
    expect((await client.dlq.listMessages()).messages).toHaveLength(1);
    await clock.advance(HOUR);
    expect(destination.received).toHaveLength(2);
  });

  test("is refused for a message that does not wait, or that is in a queue", async () => {
    const { call, client, clock, destination } = await openWorld();
    const retry = async (id: string) => (await call("POST", `/v2/messages/${id}/retry`)).status;
    const { messageId } = await client.publish({ url: destination.url });
    await clock.settle();
    expect(await retry(messageId)).toBe(404);
    expect(await retry("msg_none")).toBe(404);
    const queued = await client
      .queue({ queueName: "line" })
      .enqueue({ url: destination.url, headers: { "Upstash-Delay": "1h" } });
    expect(await retry(queued.messageId)).toBe(400);
    const gate = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    destination.answer(async () => {
      arrived.resolve();
      await gate.promise;
      return {};
    });
    const running = await client.publish({ url: destination.url });
    await arrived.promise;
    expect(await retry(running.messageId)).toBe(404);
    gate.resolve();
    await clock.settle();
  });
});

describe("cancelling", () => {
  test("stops a waiting message", async () => {
    const { client, clock, destination } = await openWorld();
    const { messageId } = await client.publish({ url: destination.url, delay: 60 });
    expect(await client.messages.cancel(messageId)).toEqual({ cancelled: 1 });
    await clock.advance(HOUR);
    expect(destination.received).toHaveLength(0);
    const { logs } = await client.logs({ messageIds: [messageId] });
    expect(logs.map(({ state }) => state)).toEqual(["CANCELED", "CANCEL_REQUESTED", "CREATED"]);
  });

  test("stops the retries of a message", async () => {
    const { client, clock, destination } = await openWorld();
    destination.answer(() => ({ status: 500 }));
    const { messageId } = await client.publish({ url: destination.url });
    await clock.settle();
    await client.messages.delete(messageId);
    await clock.advance(HOUR);
    expect(destination.received).toHaveLength(1);
    expect((await client.dlq.listMessages()).messages).toEqual([]);
  });

  test("takes ids, filters or all", async () => {
    const { client, clock, destination } = await openWorld();
    const publish = (path: string, label: string) =>
      client.publish({ url: `${destination.url}${path}`, delay: 60, label });
    const a = await publish("/a", "x");
    const b = await publish("/b", "x");
    await publish("/c", "x");
    await publish("/c", "y");
    await publish("/d", "z");

    expect(await client.messages.cancel([a.messageId, b.messageId, "msg_none"])).toEqual({
      cancelled: 2,
    });
    expect(await client.messages.cancel({ filter: { path: "/c", label: ["x", "z"] } })).toEqual({
      cancelled: 1,
    });
    expect(await client.messages.cancel({ filter: { host: "example.com" } })).toEqual({
      cancelled: 0,
    });
    expect(await client.messages.cancel({ all: true })).toEqual({ cancelled: 2 });
    await clock.advance(HOUR);
    expect(destination.received).toHaveLength(0);
  });
});

import { describe, expect, test } from "vitest";
import { anyString, matching } from "./support/matchers.ts";
import { at, HOUR, openWorld, type World } from "./support/world.ts";

/** Opens a world in which messages to these paths have failed. */
async function openWorldWithFailures(...paths: string[]): Promise<World> {
  const world = await openWorld();
  const { client, clock, destination } = world;
  destination.answer(() => ({ status: 418, headers: { "X-Pot": "tea" }, body: "short" }));
  for (const path of paths) {
    await client.publish({
      url: `${destination.url}${path}`,
      body: path,
      retries: 0,
      label: path.slice(1),
      headers: { "X-Path": path },
    });
    await clock.advance(1);
  }
  destination.received.length = 0;
  destination.answer(() => ({}));
  return world;
}

describe("a failed message", () => {
  test("is kept with the last answer", async () => {
    const { call, client, destination } = await openWorldWithFailures("/a");
    const { messages, cursor } = await client.dlq.listMessages();
    expect(cursor).toBeUndefined();
    expect(messages).toMatchObject([
      {
        dlqId: matching(/^\d+-\d+$/),
        messageId: matching(/^msg_/),
        url: `${destination.url}/a`,
        body: "/a",
        maxRetries: 0,
        responseStatus: 418,
        responseHeader: { "X-Pot": ["tea"] },
        responseBody: "short",
      },
    ]);
    const one = await call("GET", `/v2/dlq/${at(messages, 0).dlqId}`);
    expect(await one.json()).toMatchObject({ dlqId: at(messages, 0).dlqId });
    expect((await call("GET", "/v2/dlq/1-1")).status).toBe(404);
  });

  test("is removed after three days", async () => {
    const { client, clock } = await openWorldWithFailures("/a");
    await clock.advance(71 * HOUR);
    expect((await client.dlq.listMessages()).messages).toHaveLength(1);
    await clock.advance(HOUR);
    expect((await client.dlq.listMessages()).messages).toHaveLength(0);
  });

  test("becomes a new message when it is retried", async () => {
    const { client, clock, destination } = await openWorldWithFailures("/a");
    const [dead] = (await client.dlq.listMessages()).messages;
    const { responses } = await client.dlq.retry(dead?.dlqId ?? "");
    await clock.settle();

    expect(responses).toHaveLength(1);
    const { messageId } = at(responses, 0);
    expect(messageId).not.toBe(dead?.messageId);
    const request = at(destination.received, 0);
    expect(request.body.toString()).toBe("/a");
    expect(request.headers.get("upstash-message-id")).toBe(messageId);
    expect(request.headers.get("upstash-retried")).toBe("0");
    expect(request.headers.get("x-path")).toBe("/a");
    expect((await client.dlq.listMessages()).messages).toEqual([]);
  });

  test("can be retried alone with other settings", async () => {
    const { call, client, clock, destination } = await openWorldWithFailures("/a");
    const [dead] = (await client.dlq.listMessages()).messages;
    const response = await call("POST", `/v2/dlq/retry/${dead?.dlqId}`, {
      headers: { "Upstash-Delay": "1h", "Upstash-Method": "PUT" },
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ messageId: matching(/^msg_/) });
    await clock.advance(HOUR);
    expect(at(destination.received, 0).method).toBe("PUT");
    expect((await call("POST", `/v2/dlq/retry/${dead?.dlqId}`)).status).toBe(404);
  });

  test("takes new headers, a new time and a new deduplication id when it is retried", async () => {
    const { call, client, clock, destination } = await openWorldWithFailures("/a");
    const [dead] = (await client.dlq.listMessages()).messages;
    const notBefore = Math.floor(clock.now() / 1_000) + 600;
    const headers = {
      "Content-Type": "application/json",
      "Upstash-Not-Before": String(notBefore),
      "Upstash-Forward-X-Path": "/new",
      "Upstash-Forward-X-More": "more",
      "Upstash-Deduplication-Id": "again",
      "Upstash-Label": "retried",
    };
    const response = await call("POST", "/v2/dlq/retry", {
      body: JSON.stringify({ dlqIds: [dead?.dlqId] }),
      headers,
    });
    expect(response.status).toBe(201);
    await clock.advanceTo(notBefore * 1_000 - 1);
    expect(destination.received).toHaveLength(0);
    await clock.advance(1);
    const request = at(destination.received, 0);
    expect(Object.fromEntries(request.headers)).toMatchObject({
      "x-path": "/new",
      "x-more": "more",
    });
    expect(request.headers.get("content-type")).toMatch(/^text\/plain/);
    expect(await client.logs({ filter: { label: "retried", state: "DELIVERED" } })).toMatchObject({
      logs: [{ url: `${destination.url}/a` }],
    });
    expect(await client.publish({ url: destination.url, deduplicationId: "again" })).toMatchObject({
      deduplicated: true,
    });
  });

  test("can be deleted", async () => {
    const { client } = await openWorldWithFailures("/a");
    const [dead] = (await client.dlq.listMessages()).messages;
    expect(await client.dlq.delete(dead?.dlqId ?? "")).toEqual({ deleted: 1 });
    expect((await client.dlq.listMessages()).messages).toEqual([]);
    await expect(client.dlq.delete(dead?.dlqId ?? "")).rejects.toMatchObject({ status: 404 });
  });
});

describe("many failed messages", () => {
  const paths = ["/a", "/b", "/c", "/d", "/e"];

  test("are listed by page, by filter and by id", async () => {
    const { call, client, destination } = await openWorldWithFailures(...paths);
    const first = await client.dlq.listMessages({ count: 2 });
    expect(first.messages.map(({ body }) => body)).toEqual(["/a", "/b"]);
    expect(first.cursor).toEqual(anyString);
    const rest = await client.dlq.listMessages({ cursor: first.cursor ?? "" });
    expect(rest.messages.map(({ body }) => body)).toEqual(["/c", "/d", "/e"]);
    expect(rest.cursor).toBeUndefined();

    const latest = await call("GET", "/v2/dlq?order=latestFirst&count=2");
    expect(await latest.json()).toMatchObject({ messages: [{ body: "/e" }, { body: "/d" }] });

    const filtered = await client.dlq.listMessages({
      filter: { label: ["b", "c"], url: `${destination.url}/c`, responseStatus: 418 },
    });
    expect(filtered.messages.map(({ body }) => body)).toEqual(["/c"]);
    const dlqIds = [at(rest.messages, 0).dlqId, at(rest.messages, 2).dlqId];
    const named = await client.dlq.listMessages({ dlqIds });
    expect(named.messages.map(({ body }) => body)).toEqual(["/c", "/e"]);
  });

  test("are deleted by id, by filter, or all page by page", async () => {
    const { client } = await openWorldWithFailures(...paths);
    const { messages } = await client.dlq.listMessages();
    expect(await client.dlq.delete([at(messages, 0).dlqId])).toMatchObject({ deleted: 1 });
    expect(await client.dlq.delete({ filter: { label: "b" } })).toMatchObject({ deleted: 1 });
    let cursor: string | undefined;
    let deleted = 0;
    do {
      const result = await client.dlq.delete({ all: true, count: 2, ...(cursor && { cursor }) });
      cursor = result.cursor;
      deleted += result.deleted;
    } while (cursor);
    expect(deleted).toBe(3);
  });

  test("are not retried if one of the ids is unknown", async () => {
    const { client, clock, destination } = await openWorldWithFailures("/a");
    const [dead] = (await client.dlq.listMessages()).messages;
    await expect(client.dlq.retry([dead?.dlqId ?? "", "1-1"])).rejects.toMatchObject({
      status: 404,
    });
    await clock.settle();
    expect(destination.received).toHaveLength(0);
    expect((await client.dlq.listMessages()).messages).toHaveLength(1);
  });

  test("are all retried page by page", async () => {
    const { client, clock, destination } = await openWorldWithFailures(...paths);
    const first = await client.dlq.retry({ all: true, count: 3 });
    expect(first.responses).toHaveLength(3);
    const second = await client.dlq.retry({ all: true, count: 3, cursor: first.cursor ?? "" });
    expect(second.responses).toHaveLength(2);
    expect(second.cursor).toBeUndefined();
    await clock.settle();
    expect(destination.received.map(({ body }) => body.toString()).sort()).toEqual(paths);
  });
});

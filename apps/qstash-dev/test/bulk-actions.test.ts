import { describe, expect, test } from "vitest";
import { z } from "zod";
import { anyString } from "./support/matchers.ts";
import { at, HOUR, openWorld, type World } from "./support/world.ts";

const cancelSchema = z.object({ cancelled: z.number(), actionId: z.string().optional() });

const json = (body: unknown) => ({
  body: JSON.stringify(body),
  headers: { "content-type": "application/json" },
});

/** Opens a world with waiting messages, one for each label. */
async function openWorldWithMessages(...labels: string[]) {
  const world = await openWorld();
  const ids: string[] = [];
  for (const label of labels) {
    const url = `${world.destination.url}/${label}`;
    ids.push((await world.client.publish({ url, delay: "1h", label })).messageId);
  }
  const waiting = async () => {
    const found = await Promise.all(ids.map((id) => world.call("GET", `/v2/messages/${id}`)));
    return labels.filter((_label, index) => found[index]?.status === 200);
  };
  return { ...world, ids, waiting };
}

/** Opens a world with dead letters, one for each label. */
async function openWorldWithDeadLetters(...labels: string[]) {
  const world = await openWorld();
  world.destination.answer(() => ({ status: 500 }));
  for (const label of labels) {
    await world.client.publish({ url: `${world.destination.url}/${label}`, retries: 0, label });
    await world.clock.advance(1);
  }
  world.destination.answer(() => ({}));
  return { ...world, dead: () => deadLabels(world) };
}

async function deadLabels({ client }: World): Promise<(string | undefined)[]> {
  return (await client.dlq.listMessages()).messages.map(({ label }) => label);
}

const WRONG_FILTERS = [
  ["a misspelt filter", "?labeel=a", undefined],
  ["a filter of another endpoint", "?state=CREATED", undefined],
  ["an empty filter", "?label=", undefined],
  ["an empty filter next to a full one", "?label=a&label=", undefined],
  ["a blank filter", "?label=%20", undefined],
  ["a filter without a name", "?=a", undefined],
  ["a date that is not a number", "?fromDate=yesterday", undefined],
  ["a count of 0", "?count=0", undefined],
  ["a count above 500", "?count=501", undefined],
  ["a negative count", "?count=-1", undefined],
  ["an empty count", "?count=", undefined],
  ["a misspelt filter in the body", "", { labeel: "a" }],
  ["an empty filter in the body", "", { label: "" }],
  ["an empty list in the body", "", { label: [] }],
  ["a body without filters", "", {}],
  ["a body that is a list", "", ["a"]],
  ["a nested filter", "", { filter: { label: "a" } }],
  ["a count of 0 in the body", "", { count: 0 }],
] as const;

describe("a bulk cancel", () => {
  test.each(WRONG_FILTERS)("refuses %s and cancels nothing", async (_what, query, body) => {
    const { call, waiting } = await openWorldWithMessages("a", "b");
    const response = await call(
      "DELETE",
      `/v2/messages${query}`,
      body === undefined ? {} : json(body),
    );
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: anyString });
    expect(await waiting()).toEqual(["a", "b"]);
  });

  test.each(["?messageIds=", "?host="])("refuses the empty parameter %s", async (query) => {
    const { call, waiting } = await openWorldWithMessages("a");
    expect((await call("DELETE", `/v2/messages${query}`)).status).toBe(400);
    expect(await waiting()).toEqual(["a"]);
  });

  test("cancels the ids of the body only", async () => {
    const { call, ids, waiting } = await openWorldWithMessages("a", "b");
    const cancel = async (messageIds: string[]) =>
      (await call("DELETE", "/v2/messages", json({ messageIds }))).json();
    expect(await cancel(["msg_none"])).toEqual({ cancelled: 0 });
    expect(await waiting()).toEqual(["a", "b"]);
    expect(await cancel([at(ids, 1), "msg_none"])).toEqual({ cancelled: 1 });
    expect(await waiting()).toEqual(["a"]);
    expect((await call("DELETE", "/v2/messages", json({ messageIds: [] }))).status).toBe(400);
    expect(await waiting()).toEqual(["a"]);
  });

  test("applies the filters of the body", async () => {
    const { call, waiting } = await openWorldWithMessages("a", "b", "c");
    const response = await call("DELETE", "/v2/messages", json({ label: ["a", "c"] }));
    expect(await response.json()).toEqual({ cancelled: 2 });
    expect(await waiting()).toEqual(["b"]);
  });

  test("does not match a field that a message lacks", async () => {
    const { call, waiting } = await openWorldWithMessages("a");
    const query = "?topicName=undefined&queueName=undefined";
    expect(await (await call("DELETE", `/v2/messages${query}`)).json()).toEqual({ cancelled: 0 });
    expect(await waiting()).toEqual(["a"]);
  });

  test("honours its count, oldest messages first", async () => {
    const { call, client, waiting } = await openWorldWithMessages("a", "b", "c", "d");
    expect(await client.messages.cancel({ all: true, count: 2 })).toEqual({ cancelled: 2 });
    expect(await waiting()).toEqual(["c", "d"]);
    const response = await call("DELETE", "/v2/messages", json({ count: 1 }));
    expect(await response.json()).toEqual({ cancelled: 1 });
    expect(await waiting()).toEqual(["d"]);
  });

  test("can be looked up for a week under its id, if it had a filter", async () => {
    const { call, clock, ids } = await openWorldWithMessages("a", "b", "c");
    const cancel = async (query: string) =>
      cancelSchema.parse(await (await call("DELETE", `/v2/messages${query}`)).json());
    expect(await cancel(`?messageIds=${at(ids, 0)}&async=true`)).toEqual({ cancelled: 1 });
    expect(await cancel("?label=b")).toEqual({ cancelled: 1 });
    const { actionId } = await cancel("?label=c&label=d&async=true&count=5");
    const action = {
      actionId,
      kind: "cancel",
      state: "FINISHED",
      total: 1,
      processed: 1,
      createdAt: clock.now(),
      completedAt: clock.now(),
      filter: { label: ["c", "d"] },
    };
    expect(await (await call("GET", `/v2/bulkActions/${actionId}`)).json()).toEqual(action);
    expect(await (await call("GET", "/v2/bulkActions?count=1")).json()).toEqual({
      bulkActions: [action],
      cursor: anyString,
    });
    const running = await call("GET", "/v2/bulkActions?state=IN_PROGRESS");
    expect(await running.json()).toEqual({ bulkActions: [] });
    expect((await call("GET", "/v2/bulkActions?state=SLEEPING")).status).toBe(400);
    await clock.advance(7 * 24 * HOUR);
    expect((await call("GET", `/v2/bulkActions/${actionId}`)).status).toBe(404);
  });

  test("without a filter cancels everything", async () => {
    const { call, waiting } = await openWorldWithMessages("a", "b");
    expect(await (await call("DELETE", "/v2/messages")).json()).toEqual({ cancelled: 2 });
    expect(await waiting()).toEqual([]);
  });
});

describe.each([
  ["delete", "DELETE", "/v2/dlq"],
  ["retry", "POST", "/v2/dlq/retry"],
] as const)("a bulk %s of dead letters", (_name, method, path) => {
  test.each(WRONG_FILTERS)("refuses %s and touches nothing", async (_what, query, body) => {
    const { call, dead } = await openWorldWithDeadLetters("a", "b");
    const response = await call(method, `${path}${query}`, body === undefined ? {} : json(body));
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: anyString });
    expect(await dead()).toEqual(["a", "b"]);
  });

  test.each(["?dlqIds=", "?host=h", "?path=/a"])("refuses %s", async (query) => {
    const { call, dead } = await openWorldWithDeadLetters("a");
    expect((await call(method, `${path}${query}`)).status).toBe(400);
    expect(await dead()).toEqual(["a"]);
  });

  test("takes the ids of the body only", async () => {
    const { call, client, dead } = await openWorldWithDeadLetters("a", "b");
    const { messages } = await client.dlq.listMessages();
    expect((await call(method, path, json({ dlqIds: [] }))).status).toBe(400);
    expect(await dead()).toEqual(["a", "b"]);
    await call(method, path, json({ dlqIds: [at(messages, 0).dlqId] }));
    expect(await dead()).toEqual(["b"]);
  });

  test("honours its count", async () => {
    const { call, dead } = await openWorldWithDeadLetters("a", "b", "c");
    const response = await call(method, `${path}?count=2`);
    expect(await response.json()).toMatchObject({ cursor: anyString });
    expect(await dead()).toEqual(["c"]);
  });

  test("takes ids with spaces around them, and no more than its count", async () => {
    const { call, client, dead } = await openWorldWithDeadLetters("a", "b", "c");
    const ids = (await client.dlq.listMessages()).messages.map(({ dlqId }) => dlqId);
    await call(method, `${path}?dlqIds=${encodeURIComponent(ids.join(" , "))}&count=2`);
    expect(await dead()).toEqual(["c"]);
  });
});

test("a bulk delete takes up to 500 dead letters at a time, and ignores unknown ids", async () => {
  const { call, client, dead } = await openWorldWithDeadLetters("a", "b");
  const none = await call("DELETE", "/v2/dlq", json({ dlqIds: ["1-1"] }));
  expect(await none.json()).toEqual({ deleted: 0 });
  expect(await dead()).toEqual(["a", "b"]);
  expect(await client.dlq.delete({ all: true, count: 500 })).toEqual({ deleted: 2 });
});

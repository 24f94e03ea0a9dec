import { expect, test } from "vitest";
import { z } from "zod";
import { anyString, containing, matching } from "./support/matchers.ts";
import { at, BEGINNING, MINUTE, openWorld, SECOND } from "./support/world.ts";

const pageSchema = z.object({
  logs: z.array(z.object({ state: z.string() })),
  cursor: z.string().optional(),
});

test("show the events of a message, newest first", async () => {
  const { call, client, clock, destination } = await openWorld();
  destination.answer((_request, count) => ({ status: count === 1 ? 503 : 200, body: "busy" }));
  const { messageId } = await client.publish({
    url: `${destination.url}/hook`,
    retryDelay: "1000",
    label: "greeting",
  });
  await clock.advance(MINUTE);

  const { logs, events, cursor } = await client.logs();
  expect(events).toEqual(logs);
  expect(cursor).toBeUndefined();
  expect(logs.map(({ state, time }) => [state, time - BEGINNING])).toEqual([
    ["DELIVERED", SECOND],
    ["ACTIVE", SECOND],
    ["RETRY", 0],
    ["ERROR", 0],
    ["ACTIVE", 0],
    ["CREATED", 0],
  ]);
  for (const log of logs) {
    expect(log).toMatchObject({ messageId, url: `${destination.url}/hook`, label: "greeting" });
  }
  expect(at(logs, 2)).toMatchObject({ nextDeliveryTime: BEGINNING + SECOND });
  expect(at(logs, 3)).toMatchObject({
    error: containing("503"),
    responseStatus: 503,
    responseBody: Buffer.from("busy").toString("base64"),
  });

  expect(await (await call("GET", "/v2/logs?count=1")).json()).toMatchObject({
    logs: [{ state: "DELIVERED", messageId }],
    cursor: anyString,
  });
});

test("show the body, the headers of the answer and those of the callbacks", async () => {
  const { client, clock, destination } = await openWorld();
  destination.answer(() => ({ status: 503, headers: { "X-Why": "busy" } }));
  await client.publish({
    url: `${destination.url}/hook`,
    body: "hello",
    retries: 0,
    callback: `${destination.url}/c`,
    failureCallback: `${destination.url}/f`,
    headers: {
      "Upstash-Callback-Forward-X-C": "1",
      "Upstash-Failure-Callback-Forward-X-F": "2",
    },
  });
  await client.publish({ url: `${destination.url}/hook`, body: "secret", redact: { body: true } });
  await clock.settle();
  const { logs } = await client.logs({ filter: { url: `${destination.url}/hook` } });
  const errors = logs.filter(({ state }) => state === "ERROR");
  expect(errors).toMatchObject([
    { body: matching(/^REDACTED:/) },
    {
      body: Buffer.from("hello").toString("base64"),
      responseHeaders: { "X-Why": ["busy"] },
      responseHeader: { "X-Why": ["busy"] },
      callbackHeaders: { "X-C": ["1"] },
      failureCallbackHeaders: { "X-F": ["2"] },
    },
  ]);
});

test("find a cancelled message under both spellings, after the request to cancel it", async () => {
  const { call, client, destination } = await openWorld();
  const { messageId } = await client.publish({ url: destination.url, delay: 60 });
  await client.messages.cancel(messageId);
  for (const [query, state] of [
    ["CANCELLED", "CANCELED"],
    ["CANCELED", "CANCELED"],
    ["CANCEL_REQUESTED", "CANCEL_REQUESTED"],
  ]) {
    const response = await call("GET", `/v2/logs?state=${query}`);
    expect(await response.json()).toMatchObject({ logs: [{ messageId, state }] });
  }
});

test("can be listed in both orders, page by page", async () => {
  const { call, client, clock, destination } = await openWorld();
  await client.publish({ url: destination.url });
  await clock.settle();
  const states = async (query: string) => {
    const page = pageSchema.parse(await (await call("GET", `/v2/logs?${query}`)).json());
    return { ...page, logs: page.logs.map(({ state }) => state) };
  };
  const first = await states("order=earliestFirst&count=2");
  expect(first.logs).toEqual(["CREATED", "ACTIVE"]);
  const second = await states(`order=earliestFirst&cursor=${first.cursor}`);
  expect(second).toEqual({ logs: ["DELIVERED"] });
  expect((await states("order=latestFirst")).logs).toEqual(["DELIVERED", "ACTIVE", "CREATED"]);
  for (const query of ["order=random", "count=0"]) {
    expect((await call("GET", `/v2/logs?${query}`)).status).toBe(400);
  }
});

test("name the retry delay as the TypeScript and the Python client read it", async () => {
  const { client, destination } = await openWorld();
  await client.publish({ url: destination.url, retryDelay: "1000 * (1 + retried)" });
  const { logs } = await client.logs();
  expect(at(logs, -1)).toMatchObject({
    retryDelayExpression: "1000 * (1 + retried)",
    retryDelayExpr: "1000 * (1 + retried)",
  });
});

test("accept the current time as a first cursor", async () => {
  const { client, clock, destination } = await openWorld();
  for (let n = 0; n < 5; n++) await client.publish({ url: destination.url });
  await clock.settle();

  let cursor: string | number | undefined = Date.now();
  let seen = 0;
  while (cursor) {
    const page: Awaited<ReturnType<typeof client.logs>> = await client.logs({ cursor, count: 4 });
    seen += page.logs.length;
    cursor = page.cursor;
  }
  expect(seen).toBe(15);
});

test("can be filtered", async () => {
  const { client, clock, destination } = await openWorld();
  destination.answer(({ url }) => ({ status: url.endsWith("/bad") ? 500 : 200 }));
  await client.publish({ url: `${destination.url}/good`, label: ["x", "y"] });
  await client.publish({ url: `${destination.url}/bad`, label: "y" });
  await clock.settle();
  await clock.advance(SECOND);
  await client.queue({ queueName: "line" }).enqueue({ url: `${destination.url}/good` });
  await clock.settle();

  const count = async (filter: NonNullable<Parameters<typeof client.logs>[0]>["filter"]) =>
    (await client.logs({ ...(filter && { filter }) })).logs.length;
  expect(await count({ state: "DELIVERED" })).toBe(2);
  expect(await count({ state: "IN_PROGRESS", url: `${destination.url}/bad` })).toBe(3);
  expect(await count({ label: "x" })).toBe(3);
  expect(await count({ label: ["x", "y"], state: "CREATED" })).toBe(2);
  expect(await count({ queueName: "line" })).toBe(3);
  expect(await count({ fromDate: BEGINNING + 1 })).toBe(3);
  expect(await count({ toDate: new Date(BEGINNING) })).toBe(7);
  expect(await count({ path: "/nowhere" })).toBe(0);
});

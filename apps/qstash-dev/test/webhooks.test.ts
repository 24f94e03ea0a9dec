import { expect, test } from "vitest";
import { at, onlyRequest, openWorld, SECOND, type World } from "./support/world.ts";

/** Posts as a webhook service does: to a fixed URL, with headers that it chooses. */
function post({ server }: World, path: string, headers: Record<string, string> = {}) {
  return fetch(`${server.url}${path}`, { method: "POST", headers, body: "event" });
}

test("the query can carry the token and the options, and keeps the rest for the destination", async () => {
  const world = await openWorld();
  const { clock, destination, server, verify } = world;
  const query = [
    "a=1",
    "upstash-delay=10s",
    `qstash_token=${encodeURIComponent(server.token)}`,
    "b=%2F+x&b",
    "upstash-forward-x-kind=a%20b",
    "Upstash-Method=PUT",
  ].join("&");
  const response = await post(world, `/v2/publish/${destination.url}/hook?${query}`);
  expect(response.status).toBe(201);
  await clock.advance(10 * SECOND - 1);
  expect(destination.received).toHaveLength(0);
  await clock.advance(1);
  const request = onlyRequest(destination);
  expect(request).toMatchObject({ method: "PUT", url: `${destination.url}/hook?a=1&b=%2F+x&b` });
  expect(request.headers.get("x-kind")).toBe("a b");
  await expect(verify(request)).resolves.toBe(true);
});

test("a query of options only leaves no question mark, and another query stays as it is", async () => {
  const world = await openWorld();
  const { call, clock, destination, server } = world;
  const token = encodeURIComponent(server.token);
  await post(world, `/v2/publish/${destination.url}/1?qstash_token=${token}`);
  await call("POST", `/v2/publish/${destination.url}/2?x&y=`);
  await call("POST", `/v2/publish/${destination.url}/3?u=https://h/?upstash-x=1`);
  await clock.settle();
  const paths = destination.received.map(({ url }) => url.slice(destination.url.length)).sort();
  expect(paths).toEqual(["/1", "/2?x&y=", "/3?u=https://h/?upstash-x=1"]);
});

test("a header takes precedence over the query", async () => {
  const { call, clock, destination } = await openWorld();
  await call("POST", `/v2/publish/${destination.url}/hook?upstash-method=PUT`, {
    headers: { "Upstash-Method": "PATCH" },
  });
  await clock.settle();
  expect(onlyRequest(destination).method).toBe("PATCH");
});

test("enqueues and schedules take options in the query, too", async () => {
  const { call, client, clock, destination } = await openWorld();
  await call("POST", `/v2/enqueue/line/${destination.url}/q?x=1&upstash-delay=1s`);
  const cron = encodeURIComponent("* * * * *");
  const response = await call(
    "POST",
    `/v2/schedules/${destination.url}/s?upstash-cron=${cron}&upstash-schedule-id=one`,
  );
  expect(response.status).toBe(200);
  expect(await client.schedules.get("one")).toMatchObject({ destination: `${destination.url}/s` });
  await clock.advance(SECOND);
  expect(onlyRequest(destination).url).toBe(`${destination.url}/q?x=1`);
});

test("an invalid option in the query is refused", async () => {
  const { call, destination } = await openWorld();
  for (const query of ["upstash-delay=soon", "upstash-forward-x=a%0Ab"]) {
    const response = await call("POST", `/v2/publish/${destination.url}/hook?${query}`);
    expect(response.status).toBe(400);
  }
});

test("a wrong token in the query is refused", async () => {
  const world = await openWorld();
  for (const token of ["", "wrong"]) {
    const response = await post(world, `/v2/publish/https://h.test/?qstash_token=${token}`);
    expect(response.status).toBe(401);
  }
});

test.each(["header", "query"])(
  "Upstash-Header-Forward in the %s forwards every header but QStash's own and the token",
  async (where) => {
    const world = await openWorld();
    const { clock, destination, server } = world;
    const asQuery = where === "query" ? "&upstash-header-forward=true" : "";
    await post(
      world,
      `/v2/publish/${destination.url}/hook?qstash_token=${encodeURIComponent(server.token)}${asQuery}`,
      {
        "X-Event": "push",
        "Content-Type": "application/x-event",
        Authorization: "Basic of-the-webhook",
        "Upstash-Forward-X-Extra": "1",
        "Upstash-Label": "hook",
        ...(where === "header" && { "Upstash-Header-Forward": "true" }),
      },
    );
    await clock.settle();
    const { headers } = onlyRequest(destination);
    expect(Object.fromEntries(headers)).toMatchObject({
      "x-event": "push",
      "x-extra": "1",
      "content-type": "application/x-event",
      authorization: "Basic of-the-webhook",
      "user-agent": "Upstash-QStash",
      host: new URL(destination.url).host,
    });
    expect(headers.has("upstash-label")).toBe(false);
    expect(headers.has("upstash-header-forward")).toBe(false);
  },
);

test("Upstash-Header-Forward does not pass QStash's token on", async () => {
  const { call, clock, destination } = await openWorld();
  await call("POST", `/v2/publish/${destination.url}/hook`, {
    headers: { "Upstash-Header-Forward": "true", "X-Event": "push" },
  });
  await clock.settle();
  const { headers } = onlyRequest(destination);
  expect(headers.get("x-event")).toBe("push");
  expect(headers.has("authorization")).toBe(false);
});

test("a URL group has default options for its messages", async () => {
  const { call, client, clock, destination } = await openWorld();
  const patch = (headers: unknown) =>
    call("PATCH", "/v2/topics/g", { body: JSON.stringify({ headers }) });
  expect((await patch({ "Upstash-Retries": "0" })).status).toBe(404);
  await client.urlGroups.addEndpoints({ name: "g", endpoints: [{ url: destination.url }] });
  expect((await patch({ "Upstash-Retries": "many" })).status).toBe(400);
  expect(
    (await patch({ "Upstash-Header-Forward": ["true"], "Upstash-Method": "PUT" })).status,
  ).toBe(200);
  await call("POST", "/v2/publish/g", { headers: { "X-Event": "push" } });
  await clock.settle();
  expect(at(destination.received, 0).method).toBe("PUT");
  expect(at(destination.received, 0).headers.get("x-event")).toBe("push");
  await call("POST", "/v2/publish/g", { headers: { "Upstash-Method": "PATCH" } });
  await clock.settle();
  expect(at(destination.received, 1).method).toBe("PATCH");
});

import { Client, Receiver } from "@upstash/qstash";
import { describe, expect, test } from "vitest";
import { at, openWorld } from "./support/world.ts";

/** As the documentation of the official development server lists them. */
const USERS = [
  {
    token: "eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0=",
    current: "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r",
    next: "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs",
  },
  {
    token: "eyJVc2VySUQiOiJ0ZXN0VXNlcjEiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9",
    current: "sig_7GVPjvuwsfqF65iC8fSrs1dfYruM",
    next: "sig_5NoELc3EFnZn4DVS5bDs2Nk4b7Ua",
  },
  {
    token: "eyJVc2VySUQiOiJ0ZXN0VXNlcjIiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9",
    current: "sig_6jWGaWRxHsw4vMSPJprXadyvrybF",
    next: "sig_7qHbvhmahe5GwfePDiS5Lg3pi6Qx",
  },
  {
    token: "eyJVc2VySUQiOiJ0ZXN0VXNlcjMiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9",
    current: "sig_5T8FcSsynBjn9mMLBsXhpacRovJf",
    next: "sig_7GFR4YaDshFcqsxWRZpRB161jguD",
  },
];

describe("the four users of local development", () => {
  test.each(USERS)("$current signs for its user", async ({ token, current, next }) => {
    const { clock, destination, server, verify } = await openWorld();
    const client = new Client({ baseUrl: server.url, token, devMode: false });
    const keys = await fetch(`${server.url}/v2/keys?qstash_token=${encodeURIComponent(token)}`);
    expect(await keys.json()).toEqual({ current, next });
    await client.publish({ url: `${destination.url}/hook`, body: "x" });
    await clock.settle();
    const request = at(destination.received, 0);
    await expect(verify(request, { current, next })).resolves.toBe(true);
    await expect(
      new Receiver({ currentSigningKey: "sig_a", nextSigningKey: "sig_b", devMode: false }).verify({
        signature: request.headers.get("upstash-signature") ?? "",
        body: "x",
      }),
    ).rejects.toThrow("signature");
  });

  test("see their own messages, logs, queues and schedules only", async () => {
    const { destination, server } = await openWorld();
    const [one, two] = USERS.slice(1).map(
      ({ token }) => new Client({ baseUrl: server.url, token, retry: false, devMode: false }),
    );
    if (!one || !two) throw new Error("there are too few users");
    const { messageId } = await one.publish({ url: destination.url, delay: 60 });
    await one.queue({ queueName: "line" }).upsert({});
    await one.schedules.create({ destination: destination.url, cron: "* * * * *" });

    await expect(two.messages.get(messageId)).rejects.toMatchObject({ status: 404 });
    expect(await two.messages.cancel({ all: true })).toEqual({ cancelled: 0 });
    expect((await two.logs()).logs).toEqual([]);
    expect(await two.queue().list()).toEqual([]);
    expect(await two.schedules.list()).toEqual([]);
    await expect(one.messages.get(messageId)).resolves.toMatchObject({ messageId });
  });

  test("do not exist on a server with a token of its own", async () => {
    const { server } = await openWorld({ token: "private" });
    for (const { token } of USERS) {
      const headers = { authorization: `Bearer ${token}` };
      expect((await fetch(`${server.url}/v2/keys`, { headers })).status).toBe(401);
    }
    const headers = { authorization: "Bearer private" };
    expect((await fetch(`${server.url}/v2/keys`, { headers })).status).toBe(200);
  });
});

describe("a web page", () => {
  test("may send every request: the preflight needs no token", async () => {
    const { server } = await openWorld();
    const response = await fetch(`${server.url}/v2/publish/https://h.test/`, {
      method: "OPTIONS",
      headers: {
        origin: "https://console.upstash.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,upstash-delay",
        "access-control-request-private-network": "true",
      },
    });
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-allow-headers": "authorization,upstash-delay",
      "access-control-allow-private-network": "true",
    });
    expect(response.headers.get("access-control-allow-methods")).toMatch(/PATCH.*DELETE/);
  });

  test("may read every answer, refusals included", async () => {
    const { call, server } = await openWorld();
    const origin = "http://localhost:3000";
    for (const [path, status] of [
      ["/v2/keys", 200],
      ["/v2/messages/msg_none", 404],
      ["/v2/nothing", 404],
    ] as const) {
      const response = await call("GET", path, { headers: { origin } });
      expect(response.status).toBe(status);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
    }
    const refused = await fetch(`${server.url}/v2/keys`, { headers: { origin } });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("access-control-allow-origin")).toBe("*");
  });
});

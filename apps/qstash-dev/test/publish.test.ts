import { describe, expect, test } from "vitest";
import { anyString, containing, matching } from "./support/matchers.ts";
import { onlyRequest, openWorld, SECOND } from "./support/world.ts";

describe("publish", () => {
  test("delivers the body with its content type and the forwarded headers", async () => {
    const { client, clock, destination } = await openWorld();
    const url = `${destination.url}/hook`;
    const receipt = await client.publish({
      url,
      body: "héllo",
      headers: { "Content-Type": "text/x-greeting", "X-Trace": "abc" },
    });
    await clock.settle();

    expect(receipt).toEqual({ messageId: matching(/^msg_/), url });
    const { method, headers, body } = onlyRequest(destination);
    expect(method).toBe("POST");
    expect(body.toString()).toBe("héllo");
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "text/x-greeting",
      "x-trace": "abc",
      "user-agent": "Upstash-QStash",
      "upstash-message-id": receipt.messageId,
      "upstash-retried": "0",
      "upstash-caller-ip": "127.0.0.1",
    });
    expect(headers.has("authorization")).toBe(false);
    expect(headers.has("upstash-topic-name")).toBe(false);
  });

  test("does not let a forwarded header replace one of its own", async () => {
    const { call, clock, destination, verify } = await openWorld();
    await call("POST", `/v2/publish/${destination.url}/hook`, {
      body: "x",
      headers: {
        "Upstash-Forward-User-Agent": "other",
        "Upstash-Forward-Upstash-Signature": "forged",
        "Upstash-Forward-Host": "other.test",
      },
    });
    await clock.settle();
    const request = onlyRequest(destination);
    await expect(verify(request)).resolves.toBe(true);
    expect(request.headers.get("user-agent")).toBe("Upstash-QStash");
    expect(request.headers.get("host")).toBe(new URL(destination.url).host);
  });

  test("publishJSON delivers JSON", async () => {
    const { client, clock, destination } = await openWorld();
    await client.publishJSON({ url: destination.url, body: { id: 7, tags: ["a"] } });
    await clock.settle();
    const { headers, body } = onlyRequest(destination);
    expect(headers.get("content-type")).toBe("application/json");
    expect(body.toString()).toBe('{"id":7,"tags":["a"]}');
  });

  test("delivers bytes as they are", async () => {
    const { call, clock, destination } = await openWorld();
    const bytes = Buffer.from([0xef, 0xbb, 0xbf, 0x00, 0xff, 0xfe, 0x0d, 0x0a]);
    await call("POST", `/v2/publish/${destination.url}/raw`, { body: bytes });
    await clock.settle();
    expect(onlyRequest(destination).body.equals(bytes)).toBe(true);
  });

  test.each(["/a//b", "/a?x=1&y=%2F#", "/a%2Fb%20c?u=https://other/p?q", "/"])(
    "keeps the destination %s",
    async (path) => {
      const { client, clock, destination, verify } = await openWorld();
      await client.publish({ url: `${destination.url}${path}` });
      await clock.settle();
      const request = onlyRequest(destination);
      expect(request.url).toBe(`${destination.url}${path.replace("#", "")}`);
      await expect(verify(request)).resolves.toBe(true);
    },
  );

  test.each(["GET", "PUT", "PATCH", "DELETE"] as const)("sends a %s", async (method) => {
    const { client, clock, destination, verify } = await openWorld();
    await client.publish({ url: `${destination.url}/hook`, method });
    await clock.settle();
    expect(onlyRequest(destination).method).toBe(method);
    await expect(verify(onlyRequest(destination))).resolves.toBe(true);
  });

  test("waits for the delay", async () => {
    const { client, clock, destination } = await openWorld();
    await client.publishJSON({ url: destination.url, delay: 60 });
    await clock.advance(60 * SECOND - 1);
    expect(destination.received).toHaveLength(0);
    await clock.advance(1);
    expect(destination.received).toHaveLength(1);
  });

  test("not-before takes precedence over the delay", async () => {
    const { client, clock, destination } = await openWorld();
    const notBefore = Math.floor(clock.now() / SECOND) + 90;
    await client.publishJSON({ url: destination.url, delay: "10s", notBefore });
    await clock.advance(90 * SECOND - 1);
    expect(destination.received).toHaveLength(0);
    await clock.advance(1);
    expect(destination.received).toHaveLength(1);
  });

  test.each([
    ["no scheme", "example.com/hook", {}, "invalid scheme, add http:// or https://"],
    ["an invalid delay", undefined, { "Upstash-Delay": "soon" }, "invalid delay"],
    [
      "an invalid retry delay",
      undefined,
      { "Upstash-Retry-Delay": "exit()" },
      "invalid retry delay",
    ],
    ["invalid retries", undefined, { "Upstash-Retries": "-1" }, "invalid retries"],
    [
      "an incomplete flow control",
      undefined,
      { "Upstash-Flow-Control-Key": "k" },
      "value is missing",
    ],
    ["a colon in the id", undefined, { "Upstash-Deduplication-Id": "a:b" }, "cannot contain ':'"],
  ])("refuses %s with a 400", async (_what, url, headers, message) => {
    const { client, destination } = await openWorld();
    await expect(
      client.publish({ url: url ?? destination.url, headers: { ...headers } }),
    ).rejects.toMatchObject({
      name: "QstashError",
      status: 400,
      message: containing(message),
    });
  });

  test("refuses an unknown method", async () => {
    const { call, destination } = await openWorld();
    const headers = { "Upstash-Method": "BREW" };
    const response = await call("POST", `/v2/publish/${destination.url}`, { headers });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: "invalid method: BREW" });
  });

  test("requires the token", async () => {
    const { call, server } = await openWorld();
    for (const authorization of ["", "Bearer wrong", `Basic ${server.token}`]) {
      for (const path of ["/v2/keys", "/v2/dlq", "/dev/faults", "/nothing"]) {
        const response = await call("GET", path, { headers: { authorization } });
        expect(response.status).toBe(401);
        expect(await response.json()).toEqual({ error: anyString });
      }
    }
  });

  test("answers unknown paths with JSON", async () => {
    const { call } = await openWorld();
    const response = await call("GET", "/v2/nothing");
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ error: "not found" });
  });
});

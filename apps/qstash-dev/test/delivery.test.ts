import { Receiver } from "@upstash/qstash";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Received } from "./support/destination.ts";
import { anyString, containing } from "./support/matchers.ts";
import { at, HOUR, MINUTE, onlyRequest, openWorld, SECOND } from "./support/world.ts";

const signatureOf = ({ headers }: Received) => headers.get("upstash-signature") ?? "";

function claimsOf(request: Received): Record<string, unknown> {
  const [, claims = ""] = signatureOf(request).split(".");
  const text = Buffer.from(claims, "base64url").toString();
  return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
}

describe("the signature", () => {
  test("passes the official Receiver for its own URL and body only", async () => {
    const { client, clock, destination, server, verify } = await openWorld();
    await client.publishJSON({ url: `${destination.url}/p?q=ü`, body: { n: "ü" } });
    await clock.settle();
    const request = onlyRequest(destination);
    await expect(verify(request)).resolves.toBe(true);
    await expect(verify({ ...request, url: `${destination.url}/other` })).rejects.toThrow(
      "invalid subject",
    );
    await expect(verify({ ...request, body: Buffer.from("{}") })).rejects.toThrow("body hash");
    const { current } = server.signingKeys;
    await expect(verify(request, { current: "sig_x", next: "sig_y" })).rejects.toThrow("signature");
    await expect(verify(request, { current: "sig_x", next: current })).resolves.toBe(true);
  });

  test("has the documented claims", async () => {
    const { client, clock, destination } = await openWorld();
    await client.publish({ url: destination.url, body: "x" });
    await clock.settle();
    const { iss, sub, iat, nbf, exp, jti, body } = claimsOf(onlyRequest(destination));
    expect({ iss, sub }).toEqual({ iss: "Upstash", sub: destination.url });
    expect({ nbf, exp }).toEqual({ nbf: iat, exp: Number(iat) + 300 });
    expect(jti).toEqual(anyString);
    expect(body).toBe("LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE");
  });

  test("is fresh for each attempt and uses the wall clock", async () => {
    const { client, clock, destination, verify } = await openWorld();
    destination.answer(() => ({ status: 500 }));
    const { messageId } = await client.publish({
      url: `${destination.url}/hook`,
      body: "x",
      retries: 2,
    });
    await clock.advance(HOUR);

    expect(destination.received).toHaveLength(3);
    expect(new Set(destination.received.map(signatureOf)).size).toBe(3);
    for (const [retried, request] of destination.received.entries()) {
      await expect(verify(request)).resolves.toBe(true);
      expect(request.headers.get("upstash-retried")).toBe(String(retried));
      expect(request.headers.get("upstash-message-id")).toBe(messageId);
    }
  });

  test("matches the public keys of the SDK's development mode", async () => {
    const { client, clock, destination } = await openWorld();
    await client.publish({ url: destination.url, body: "x" });
    await clock.settle();
    const request = onlyRequest(destination);
    await expect(
      new Receiver({ devMode: true }).verify({ signature: signatureOf(request), body: "x" }),
    ).resolves.toBe(true);
  });
});

/** Returns the virtual time of each attempt, in milliseconds since the first. */
async function attemptTimes(
  settings: { retries?: number; retryDelay?: string },
  headers: Record<string, string> = {},
): Promise<number[]> {
  const { client, clock, destination } = await openWorld();
  const times: number[] = [];
  const start = clock.now();
  destination.answer(() => {
    times.push(clock.now() - start);
    return { status: 503, headers };
  });
  await client.publish({ url: destination.url, ...settings });
  await clock.advance(10 * 24 * HOUR);
  return times;
}

const gaps = (times: readonly number[]) => times.slice(1).map((time, i) => time - at(times, i));

describe("retries", () => {
  test("come after 12 s, 2 m 28 s and 30 m 8 s by default", async () => {
    const [first, second, third, ...more] = gaps(await attemptTimes({}));
    expect(more).toEqual([]);
    expect(first).toBe(Math.ceil(Math.exp(2.5) * SECOND));
    expect(second).toBe(Math.ceil(Math.exp(5) * SECOND));
    expect(third).toBe(Math.ceil(Math.exp(7.5) * SECOND));
  });

  test("wait a day at most", async () => {
    const waits = gaps(await attemptTimes({ retries: 6 }));
    expect(waits.slice(-2)).toEqual([24 * HOUR, 24 * HOUR]);
  });

  test("stop at zero if the publisher says so", async () => {
    expect(await attemptTimes({ retries: 0 })).toEqual([0]);
  });

  test("follow the publisher's expression in milliseconds", async () => {
    const times = await attemptTimes({
      retries: 3,
      retryDelay: "max(1500, pow(2, retried) * 1000)",
    });
    expect(gaps(times)).toEqual([1_500, 2_000, 4_000]);
  });

  test.each([
    ["Retry-After", "7", 7 * SECOND],
    ["Retry-After", "0", 0],
    ["Retry-After", "6m5s", 6 * MINUTE + 5 * SECOND],
    ["Retry-After", "Mon, 02 Mar 2026 10:02:00 GMT", 90 * SECOND],
    ["X-RateLimit-Reset", "30", 30 * SECOND],
    ["X-RateLimit-Reset-Requests", "1m", MINUTE],
    ["X-RateLimit-Reset-Tokens", "250ms", 250],
  ])("obey %s: %s", async (name, value, expected) => {
    const times = await attemptTimes({ retries: 1, retryDelay: "1" }, { [name]: value });
    expect(gaps(times)).toEqual([expected]);
  });

  test("ignore a wait of more than a day", async () => {
    const times = await attemptTimes({ retries: 1 }, { "Retry-After": "25h" });
    expect(gaps(times)[0]).toBe(Math.ceil(Math.exp(2.5) * SECOND));
  });

  test("stop after a success", async () => {
    const { client, clock, destination } = await openWorld();
    destination.answer((_request, count) => ({ status: count === 2 ? 204 : 404 }));
    await client.publish({ url: destination.url });
    await clock.advance(HOUR);
    expect(destination.received).toHaveLength(2);
    expect((await client.dlq.listMessages()).messages).toEqual([]);
  });

  test("treat a redirect as a failure", async () => {
    const { client, clock, destination } = await openWorld();
    destination.answer(() => ({ status: 302, headers: { location: `${destination.url}/other` } }));
    await client.publish({ url: destination.url, retries: 0 });
    await clock.settle();
    expect(onlyRequest(destination).url).toBe(`${destination.url}/`);
    expect((await client.dlq.listMessages()).messages).toHaveLength(1);
  });

  test("try an unreachable destination again", async () => {
    const { client, clock, destination } = await openWorld();
    await destination.close();
    await client.publish({ url: destination.url, retries: 1 });
    await clock.advance(MINUTE);
    const { logs } = await client.logs();
    expect(logs.filter(({ state }) => state === "ACTIVE")).toHaveLength(2);
    expect(at(logs, 0)).toMatchObject({
      state: "FAILED",
      error: containing("ECONNREFUSED"),
    });
  });
});

describe("a non-retryable error", () => {
  test("needs status 489 and the header, and goes to the dead letter queue at once", async () => {
    const { client, clock, destination } = await openWorld();
    const headers = { "Upstash-NonRetryable-Error": "true" };
    destination.answer(() => ({ status: 489, headers, body: "no such user" }));
    await client.publish({ url: destination.url });
    await clock.advance(HOUR);
    expect(destination.received).toHaveLength(1);
    const { messages } = await client.dlq.listMessages();
    expect(messages).toMatchObject([{ responseStatus: 489, responseBody: "no such user" }]);
  });

  test.each([
    [489, {}],
    [400, { "Upstash-NonRetryable-Error": "true" }],
  ])("%i with %o is retried", async (status, headers) => {
    const { client, clock, destination } = await openWorld();
    destination.answer(() => ({ status, headers: { ...headers } }));
    await client.publish({ url: destination.url, retries: 1 });
    await clock.advance(MINUTE);
    expect(destination.received).toHaveLength(2);
  });
});

test("an answer after the timeout is a failed attempt", async () => {
  const { client, clock, destination } = await openWorld();
  destination.answer((_request, count) =>
    count === 1 ? new Promise<never>(() => undefined) : { status: 200 },
  );
  const { messageId } = await client.publish({ url: destination.url, timeout: "1s" });
  await clock.advance(MINUTE);
  expect(destination.received).toHaveLength(2);
  const { logs } = await client.logs({ messageIds: [messageId] });
  expect(logs.map(({ state }) => state)).toEqual([
    "DELIVERED",
    "ACTIVE",
    "RETRY",
    "ERROR",
    "ACTIVE",
    "CREATED",
  ]);
  expect(at(logs, 3).error).toContain("no answer within 1000 ms");
});

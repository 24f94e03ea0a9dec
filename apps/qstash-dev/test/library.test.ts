import { Client, Receiver } from "@upstash/qstash";
import { Hono } from "hono";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createQStashDev, DEV_CREDENTIALS, VirtualClock } from "#src/index.ts";

describe("without a network", () => {
  test("an app in the same process receives messages through fetch", async () => {
    const bodies: string[] = [];
    const app = new Hono().post("/jobs/:name", async (c) => {
      const body = await c.req.text();
      await new Receiver({
        currentSigningKey: DEV_CREDENTIALS.currentSigningKey,
        nextSigningKey: DEV_CREDENTIALS.nextSigningKey,
        devMode: false,
      }).verify({
        signature: c.req.header("upstash-signature") ?? "",
        body,
        url: "https://app.example/jobs/mail",
      });
      bodies.push(body);
      return c.text("done");
    });
    const clock = new VirtualClock();
    const server = createQStashDev({ clock, fetch: (url, init) => app.request(url, init) });
    const headers = { authorization: `Bearer ${server.token}` };
    const response = await server.app.request("/v2/publish/https://app.example/jobs/mail", {
      method: "POST",
      headers,
      body: '{"to":"a"}',
    });
    expect(response.status).toBe(201);
    await clock.settle();
    expect(bodies).toEqual(['{"to":"a"}']);

    const direct = await server.app.fetch(new Request("http://x/v2/dlq", { headers }));
    expect(await direct.json()).toEqual({ messages: [] });
    await server.close();
  });
});

test("a destination has its full timeout in real time at any speed", async () => {
  const outcome = Promise.withResolvers<"answered" | "given up">();
  const server = createQStashDev({
    speed: 100_000,
    fetch: (_url, { signal }) =>
      new Promise((resolve) => {
        signal?.addEventListener("abort", () => outcome.resolve("given up"));
        setTimeout(() => {
          outcome.resolve("answered");
          resolve(new Response());
        }, 100);
      }),
  });
  await server.app.request("/v2/publish/https://app.example/jobs/slow", {
    method: "POST",
    headers: { authorization: `Bearer ${server.token}`, "upstash-timeout": "60s" },
  });
  expect(await outcome.promise).toBe("answered");
  await server.close();
});

describe("start and close", () => {
  test("the URL exists only while the server listens", async () => {
    const server = createQStashDev();
    expect(() => server.url).toThrow("start()");
    const url = await server.start();
    expect(server.url).toBe(url);
    await expect(server.start()).rejects.toThrow("already listening");
    await server.close();
    await server.close();
    expect(() => server.url).toThrow("start()");
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  test("closing aborts a running delivery", async () => {
    const started = Promise.withResolvers<AbortSignal>();
    const clock = new VirtualClock();
    const server = createQStashDev({
      clock,
      fetch: (_url, { signal }) => {
        if (signal) started.resolve(signal);
        return new Promise((_resolve, reject) => {
          signal?.addEventListener("abort", () => reject(new Error("aborted")));
        });
      },
    });
    await server.app.request("/v2/publish/https://app.example/", {
      method: "POST",
      headers: { authorization: `Bearer ${server.token}` },
    });
    const signal = await started.promise;
    await server.close();
    await clock.settle();
    expect(signal.aborted).toBe(true);
    await clock.advance(86_400_000);
  });
});

describe("the SDK's development mode", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test("works without credentials", async () => {
    const clock = new VirtualClock();
    const delivered: string[] = [];
    const server = createQStashDev({
      clock,
      fetch: (url) => {
        delivered.push(url);
        return new Response();
      },
    });
    const url = await server.start();
    onTestFinished(() => server.close());
    vi.stubEnv("QSTASH_DEV", "true");
    vi.stubEnv("QSTASH_DEV_PORT", new URL(url).port);
    await new Client().publish({ url: "http://localhost:3000/hook" });
    await clock.settle();
    expect(delivered).toEqual(["http://localhost:3000/hook"]);
  });
});

test("log receives one line for each event", async () => {
  const lines: string[] = [];
  const clock = new VirtualClock();
  const server = createQStashDev({
    clock,
    fetch: () => new Response(),
    log: (line) => lines.push(line),
  });
  await server.app.request("/v2/publish/https://app.example/", {
    method: "POST",
    headers: { authorization: `Bearer ${server.token}` },
  });
  await clock.settle();
  expect(lines.map((line) => line.split(" ")[0])).toEqual(["CREATED", "ACTIVE", "DELIVERED"]);
});

import { Client, Receiver } from "@upstash/qstash";
import { createQStashDev, VirtualClock } from "@orbit/qstash-dev";
import { Hono } from "hono";
import { expect, test } from "vitest";

test("the welcome mail is sent again after an outage", async () => {
  const clock = new VirtualClock();
  const attempts: string[] = [];

  // The app under test. Its first attempt fails.
  const app = new Hono().post("/jobs/welcome", async (c) => {
    const body = await c.req.text();
    const receiver = new Receiver({
      currentSigningKey: qstash.signingKeys.current,
      nextSigningKey: qstash.signingKeys.next,
      devMode: false,
    });
    const signature = c.req.header("upstash-signature") ?? "";
    await receiver.verify({ signature, body, url: "https://app.example/jobs/welcome" });
    attempts.push(c.req.header("upstash-retried") ?? "");
    return c.text("", attempts.length === 1 ? 503 : 200);
  });

  const qstash = createQStashDev({ clock, fetch: (url, init) => app.request(url, init) });
  const baseUrl = await qstash.start();
  const client = new Client({ baseUrl, token: qstash.token, devMode: false });

  await client.publishJSON({ url: "https://app.example/jobs/welcome", body: { to: "ada" } });
  await clock.settle();
  expect(attempts).toEqual(["0"]);

  // The retry is due after 12 seconds of virtual time.
  await clock.advance(13_000);
  expect(attempts).toEqual(["0", "1"]);

  await qstash.close();
});

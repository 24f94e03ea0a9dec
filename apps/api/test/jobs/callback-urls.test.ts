import { createQStashDev } from "@orbit/qstash-dev";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "#src/jobs/testing/probe.ts";
import { startTestApp } from "../support/app.ts";
import { JOB, openFront, post, deliver } from "../support/callback-deliveries.ts";

test.each([
  ["a space in the path", "http://127.0.0.1:PORT/my api", "http://127.0.0.1:PORT/my%20api"],
  ["upper case", "HTTP://LOCALHOST:PORT/Api", "http://localhost:PORT/Api"],
  ["dot segments", "http://127.0.0.1:PORT/a/../b/./c", "http://127.0.0.1:PORT/b/c"],
  ["the default port", "https://api.example.com:443/", "https://api.example.com"],
  ["an international name", "https://Größe.example", "https://xn--gre-6ka8i.example"],
])("%s: deliveries of every kind are verified", async (_title, written, expected) => {
  expect(await deliver(written)).toEqual([expected]);
});

test("a relay that answers by itself and loses the path, as smee.io does, delivers nothing", async () => {
  let api = "";
  const relayed: number[] = [];
  const port = await openFront(async ({ headers, body }) => {
    const again = JSON.stringify(JSON.parse(body.toString()));
    const { status } = await post(`${api}/v1/jobs/run/${JOB}`, headers, again);
    relayed.push(status);
    return { status: 200, text: "" };
  });
  const lines: string[] = [];
  const qstash = createQStashDev({ log: (line) => lines.push(line) });
  onTestFinished(() => qstash.close());
  const app = await startTestApp({
    JOBS_PROVIDER: "qstash",
    QSTASH_URL: await qstash.start(),
    QSTASH_TOKEN: qstash.token,
    QSTASH_CURRENT_SIGNING_KEY: qstash.signingKeys.current,
    QSTASH_NEXT_SIGNING_KEY: qstash.signingKeys.next,
    QSTASH_CALLBACK_URL: `http://127.0.0.1:${port}`,
  });
  onTestFinished(() => app.close());
  api = app.server.url;
  await app.container.jobs.queue.enqueue(JOB, { olderThanHours: 1 });
  await eventually("QStash takes the job for done", async () =>
    lines.some((line) => line.startsWith("DELIVERED")),
  );
  expect(relayed).toEqual([401]);
  expect(app.logged.map(({ message }) => message)).toContain("delivery refused: invalid signature");
});

import { createServer } from "node:http";
import { createQStashDev } from "@orbit/qstash-dev";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "#src/jobs/testing/probe.ts";
import { startTestApp } from "../support/app.ts";
import { jumpClock } from "../support/jump-clock.ts";

// QStash signs the URL as it received it, and the webhook compares it with its own. Both must write the
// same URL in the same way, however QSTASH_CALLBACK_URL is written.

const SIGNING_KEYS = {
  current: "sig_current_key_of_the_tests",
  next: "sig_next_key_of_the_tests",
};
const PREFIX = /^.*(?=\/v1\/jobs\/run\/)/;
const JOB = "cleanup.stale-invites";
const HOUR_MS = 3_600_000;

interface Incoming {
  readonly path: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** A server in front of the API. Resolves with its port. */
async function openFront(
  answer: (request: Incoming) => Promise<{ status: number; text: string }>,
): Promise<number> {
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const headers = new Headers();
      for (const [name, value] of Object.entries(incoming.headersDistinct)) {
        if (name.startsWith("upstash-") || name === "content-type") {
          headers.set(name, value?.join(", ") ?? "");
        }
      }
      void answer({ path: incoming.url ?? "", headers, body: Buffer.concat(chunks) }).then(
        ({ status, text }) => outgoing.writeHead(status).end(text),
        () => outgoing.destroy(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

async function post(url: string, headers: Headers, body: Buffer | string) {
  const answer = await fetch(url, {
    method: "POST",
    headers,
    body: new Uint8Array(Buffer.from(body)),
  });
  return { status: answer.status, text: await answer.text() };
}

/** A proxy that serves the API below any path. */
function openProxy(target: () => string): Promise<number> {
  return openFront(({ path, headers, body }) =>
    post(target() + path.replace(PREFIX, ""), headers, body),
  );
}

test.each([
  ["a plain host", "http://127.0.0.1:PORT", "http://127.0.0.1:PORT"],
  ["a space in the path", "http://127.0.0.1:PORT/my api", "http://127.0.0.1:PORT/my%20api"],
  ["an encoded space", "http://127.0.0.1:PORT/my%20api/", "http://127.0.0.1:PORT/my%20api"],
  ["upper case", "HTTP://LOCALHOST:PORT/Api", "http://localhost:PORT/Api"],
  ["letters beyond ASCII", "http://127.0.0.1:PORT/größe", "http://127.0.0.1:PORT/gr%C3%B6%C3%9Fe"],
  ["dot segments", "http://127.0.0.1:PORT/a/../b/./c", "http://127.0.0.1:PORT/b/c"],
  ["encoded dot segments", "http://127.0.0.1:PORT/a/%2E%2e/b", "http://127.0.0.1:PORT/b"],
  ["backslashes", "http:\\\\127.0.0.1:PORT\\a", "http://127.0.0.1:PORT/a"],
  ["a short IPv4 address", "http://127.1:PORT", "http://127.0.0.1:PORT"],
  ["quotes and braces", `http://127.0.0.1:PORT/"{a}"'|^`, undefined],
  ["slashes in a row", "http://127.0.0.1:PORT//a//", "http://127.0.0.1:PORT//a"],
  ["a percent sign alone", "http://127.0.0.1:PORT/100%", "http://127.0.0.1:PORT/100%"],
  ["the default port", "https://api.example.com:443/", "https://api.example.com"],
  ["a leading zero in the port", "https://api.example.com:00443", "https://api.example.com"],
  ["an international name", "https://Größe.example", "https://xn--gre-6ka8i.example"],
  ["full-width letters", "https://ａｐｉ.example.com", "https://api.example.com"],
  ["an IPv6 address", "https://[2001:DB8:0::1]/", "https://[2001:db8::1]"],
  ["white space around it", " https://api.example.com/ \n", "https://api.example.com"],
])("%s: deliveries of every kind are verified", async (_title, written, expected) => {
  let api = "";
  const port = String(await openProxy(() => api));
  const isLocal = written.includes("PORT");
  const lines: string[] = [];
  const signed: string[] = [];
  const clock = jumpClock();
  const qstash = createQStashDev({
    clock,
    signingKeys: SIGNING_KEYS,
    log: (line) => lines.push(line),
    // Other addresses are not of this machine.
    ...(!isLocal && {
      fetch: (url, init) => {
        signed.push(url);
        return fetch(url.replace(PREFIX, `http://127.0.0.1:${port}`), init);
      },
    }),
  });
  onTestFinished(() => qstash.close());
  const app = await startTestApp({
    JOBS_PROVIDER: "qstash",
    // The other URL that is given to a library: with a slash, in upper case.
    QSTASH_URL: `${(await qstash.start()).replace("http://127.0.0.1", "HTTP://LOCALHOST")}/`,
    QSTASH_TOKEN: qstash.token,
    QSTASH_CURRENT_SIGNING_KEY: SIGNING_KEYS.current,
    QSTASH_NEXT_SIGNING_KEY: SIGNING_KEYS.next,
    QSTASH_CALLBACK_URL: written.replace("PORT", port),
  });
  onTestFinished(() => app.close());
  api = app.server.url;
  const { jobs } = app.container;

  await jobs.queue.enqueue(JOB, { olderThanHours: 1 });
  await jobs.queue.enqueueMany([
    { name: JOB, payload: { olderThanHours: 2 } },
    { name: JOB, payload: { olderThanHours: 3 } },
  ]);
  const delivered = () => lines.filter((line) => line.startsWith("DELIVERED")).length;
  await eventually("the three jobs were delivered", async () => delivered() === 3);
  expect((await jobs.syncSchedules?.())?.created).toHaveLength(
    jobs.registry.filter(({ schedule }) => schedule).length,
  );
  // A URL that QStash writes differently would be updated at every start.
  expect(await jobs.syncSchedules?.()).toEqual({ created: [], updated: [], deleted: [] });
  clock.jump(HOUR_MS);
  await eventually("the schedules ticked", async () => delivered() > 3);
  expect(app.logged.filter(({ message }) => message.includes("refused"))).toEqual([]);

  if (expected === undefined) return;
  const base = expected.replace("PORT", port);
  for (const line of lines.filter((each) => each.startsWith("DELIVERED"))) {
    expect(line).toContain(` ${base}/v1/jobs/run/`);
  }
  for (const url of signed) expect(url.startsWith(`${base}/v1/jobs/run/`)).toBe(true);
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

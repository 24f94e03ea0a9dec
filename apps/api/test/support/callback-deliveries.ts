import { createServer } from "node:http";
import { createQStashDev } from "@orbit/qstash-dev";
import { expect, onTestFinished } from "vitest";
import { eventually } from "#src/jobs/testing/probe.ts";
import { startTestApp } from "./app.ts";
import { jumpClock } from "./jump-clock.ts";

// QStash signs the URL as it received it, and the webhook compares it with its own. Both must write the
// same URL in the same way, however QSTASH_CALLBACK_URL is written.

const SIGNING_KEYS = {
  current: "sig_current_key_of_the_tests",
  next: "sig_next_key_of_the_tests",
};
const PREFIX = /^.*(?=\/v1\/jobs\/run\/)/;
export const JOB = "cleanup.stale-invites";
const HOUR_MS = 3_600_000;

export interface Incoming {
  readonly path: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** A server in front of the API. Resolves with its port. */
export async function openFront(
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

export async function post(url: string, headers: Headers, body: Buffer | string) {
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

/**
 * Enqueues one job, a batch and the schedules with this QSTASH_CALLBACK_URL, in which PORT is the port of a proxy in
 * front of the API. Rejects unless the local QStash delivers all of them and no signature is refused.
 * Resolves with the base URLs that were signed.
 */
export async function deliver(written: string): Promise<string[]> {
  let api = "";
  const port = String(await openProxy(() => api));
  const isLocal = written.includes("PORT");
  const lines: string[] = [];
  const clock = jumpClock();
  const qstash = createQStashDev({
    clock,
    signingKeys: SIGNING_KEYS,
    log: (line) => lines.push(line),
    // Other addresses belong to other machines.
    ...(!isLocal && {
      fetch: (url, init) => fetch(url.replace(PREFIX, `http://127.0.0.1:${port}`), init),
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
  const deliveries = () => lines.filter((line) => line.startsWith("DELIVERED"));
  await eventually("the three jobs were delivered", async () => deliveries().length === 3);
  expect((await jobs.syncSchedules?.())?.created).toHaveLength(
    jobs.registry.filter(({ schedule }) => schedule).length,
  );
  // A URL that QStash writes differently would be updated at every start.
  expect(await jobs.syncSchedules?.()).toEqual({ created: [], updated: [], deleted: [] });
  clock.jump(HOUR_MS);
  await eventually("the schedules ticked", async () => deliveries().length > 3);
  expect(app.logged.filter(({ message }) => message.includes("refused"))).toEqual([]);

  const bases = deliveries().map((line) => line.split(" ")[2]?.replace(/\/v1\/jobs\/run\/.*/, ""));
  return [...new Set(bases)].map((base = "") => base.replace(`:${port}`, ":PORT"));
}

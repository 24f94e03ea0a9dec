import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { Hono } from "hono";
import { afterEach, expect, test } from "vitest";
import { SERVER_LIMITS, type ServerLimits, SMALL_BODY_BYTES } from "#src/interfaces/http/limits.ts";
import { listen } from "#src/interfaces/http/server.ts";
import { expectPublicError } from "../support/public-error.ts";
import { answerOn, closed, exchange, openSocket } from "../support/raw-http.ts";

const GET = "GET / HTTP/1.1\r\nhost: api\r\n";
const CLOSE = "connection: close\r\n\r\n";
const LARGE = "x".repeat(4_000_000);

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** `/` answers at once, `/held` after `release()`, `/large` with more than sockets buffer; `/body` echoes. */
async function serve(limits: Partial<ServerLimits> = {}) {
  const held = Promise.withResolvers<void>();
  let asked = 0;
  const app = new Hono()
    .get("/", (c) => c.text("served"))
    .get("/large", (c) => c.text(LARGE))
    .get("/held", async (c) => {
      asked += 1;
      await held.promise;
      return c.text("served");
    })
    .post("/body", async (c) => c.text(await c.req.text().catch(() => "cut off")));
  const server = await listen(app, 0, limits);
  open.push(() => server.close(0));
  return { url: server.url, release: () => held.resolve(), asked: () => asked };
}

const get = async (url: string) => (await exchange(url, GET + CLOSE)).status;

/** Sends one byte after the other until the server closes the connection. */
async function trickle(socket: Socket, text: string, everyMs: number): Promise<void> {
  const end = closed(socket);
  const bytes = text[Symbol.iterator]();
  const timer = setInterval(() => socket.write(bytes.next().value ?? "x"), everyMs);
  await end;
  clearInterval(timer);
}

test("connections beyond the limit are closed, and served again after others end", async () => {
  const { url } = await serve({ connections: 3, headersTimeoutMs: 30_000 });
  const idle = await Promise.all([1, 2, 3].map(() => openSocket(url)));
  for (let round = 0; round < 20; round++) expect(await get(url)).toBe(0);
  for (const socket of idle) {
    const end = closed(socket);
    // Waits until the server has closed this connection, which makes room for another.
    socket.write(GET + CLOSE);
    socket.resume();
    await end;
  }
  expect(await get(url)).toBe(200);
});

test("a client that is silent or sends headers byte by byte is cut off", async () => {
  const { url } = await serve({ headersTimeoutMs: 300, requestTimeoutMs: 60_000 });
  const silent = await openSocket(url);
  const slow = await openSocket(url);
  const answers = [answerOn(silent), answerOn(slow)];
  await trickle(slow, `${GET}x: ${"y".repeat(1_000)}`, 20);
  for (const { status, head, body } of await Promise.all(answers)) {
    expect(status).toBe(408);
    expect(expectPublicError(/content-type: (.*)/i.exec(head)?.[1] ?? null, body)).toBe(
      "request.timeout",
    );
  }
});

test("a client that sends a body byte by byte is cut off, with or without a length", async () => {
  const { url } = await serve({ requestTimeoutMs: 300 });
  for (const length of ["content-length: 1000", "transfer-encoding: chunked"]) {
    const socket = await openSocket(url);
    const answer = answerOn(socket);
    socket.write(`POST /body HTTP/1.1\r\nhost: api\r\n${length}\r\n\r\n`);
    await trickle(socket, "1\r\na\r\n".repeat(500), 20);
    expect((await answer).status).toBe(408);
  }
});

test("a client that does not read its response is cut off, but not one that waits for it", async () => {
  const { url, release } = await serve({ unreadTimeoutMs: 200 });
  const waiting = exchange(url, `GET /held HTTP/1.1\r\nhost: api\r\n${CLOSE}`);
  const deaf = await openSocket(url);
  deaf.pause();
  // Several responses, because socket buffers may hold the first one.
  for (let request = 0; request < 5; request++) {
    deaf.write("GET /large HTTP/1.1\r\nhost: api\r\n\r\n");
  }
  // A paused socket notices the end of its connection only when it writes.
  const timer = setInterval(() => deaf.write("G"), 20);
  await closed(deaf);
  clearInterval(timer);
  release();
  expect((await waiting).status).toBe(200);
});

test("a connection that is idle after an answer is closed", async () => {
  const { url } = await serve({ keepAliveTimeoutMs: 100 });
  const answer = await exchange(url, `${GET}\r\n`);
  expect(answer).toMatchObject({ status: 200, body: "served" });
});

test("a reused connection has the whole time for the headers of its next request", async () => {
  const { url } = await serve({ keepAliveTimeoutMs: 5_000, headersTimeoutMs: 250 });
  const socket = await openSocket(url);
  const answer = answerOn(socket);
  socket.write(`${GET}\r\n`);
  await once(socket, "data");
  // Idle for longer than a client may take for its headers.
  const waited = Date.now();
  while (Date.now() - waited < 1_000) expect(await get(url)).toBe(200);
  socket.write(GET + CLOSE);
  const { head, body } = await answer;
  expect((head + body).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
});

test("too many headers, or too large ones, are refused", async () => {
  const { url } = await serve();
  const many = (count: number) => "a: b\r\n".repeat(count);
  // Together with host and connection this is exactly the limit.
  expect((await exchange(url, GET + many(SERVER_LIMITS.headers - 2) + CLOSE)).status).toBe(200);
  for (const flood of [
    many(SERVER_LIMITS.headers - 1),
    many(2_000),
    `x: ${"y".repeat(SERVER_LIMITS.headerBytes)}\r\n`,
  ]) {
    const { status, head, body } = await exchange(url, GET + flood + CLOSE);
    expect(status).toBe(431);
    expectPublicError(/content-type: (.*)/i.exec(head)?.[1] ?? null, body);
  }
});

test("a connection serves a limited number of requests", async () => {
  const { url } = await serve({ requestsPerConnection: 3, keepAliveTimeoutMs: 100 });
  const socket = await openSocket(url);
  const answer = answerOn(socket);
  for (let request = 0; request < 5; request++) socket.write(`${GET}\r\n`);
  const { head, body } = await answer;
  const statuses = (head + body).match(/HTTP\/1\.1 \d+/g)?.map((line) => line.slice(-3));
  expect(statuses?.slice(0, 3)).toEqual(["200", "200", "200"]);
  expect(statuses?.slice(3)).not.toContain("200");
});

test("pipelined requests beyond the limit are refused", async () => {
  const { url, release, asked } = await serve({ connections: 10, keepAliveTimeoutMs: 100 });
  const socket = await openSocket(url);
  const answer = answerOn(socket);
  for (let request = 0; request < 30; request++) {
    socket.write("GET /held HTTP/1.1\r\nhost: api\r\n\r\n");
  }
  // The server reads a request on another connection after these.
  const other = await exchange(url, GET + CLOSE);
  expect([other.status, asked()]).toEqual([503, 10]);
  expect(other.body).toContain("request.overloaded");
  release();
  expect((await answer).status).toBe(200);
  expect(await get(url)).toBe(200);
});

test("docs/http-api.md states these limits", async () => {
  const docs = await readFile(new URL("../../../../docs/http-api.md", import.meta.url), "utf8");
  const limits: object = { ...SERVER_LIMITS, smallBodyBytes: SMALL_BODY_BYTES };
  for (const [name, value] of Object.entries(limits)) {
    const shown = name.endsWith("Ms")
      ? `${Number(value) / 1_000} s`
      : Number(value).toLocaleString("en");
    expect(docs, `${name}: ${shown}`).toMatch(new RegExp(`\\| ${shown}( bytes)? \\|`));
  }
});

import { once } from "node:events";
import net from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createProbe, eventually, type Probe } from "#src/jobs/testing/probe.ts";
import { openTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const LAST_WORDS = "x".repeat(1_000_000);

let server: net.Server;
let proxy: TcpProxy;
let heard: Probe<string>;
let hungUp: Probe<true>;

/** The server echoes data. After "bye" it sends a long text and closes the connection. */
beforeEach(async () => {
  // The server of an earlier test may still report, so each test has its own probes.
  const [said, ended] = [createProbe<string>(), createProbe<true>()];
  [heard, hungUp] = [said, ended];
  server = net.createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("close", () => ended.report(true));
    socket.on("data", (data) => {
      said.report(data.toString());
      if (data.toString() === "bye") socket.end(LAST_WORDS);
      else socket.write(data);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await openTcpProxy(serverUrl());
});

afterEach(async () => {
  await proxy.close();
  server.close();
});

async function connect() {
  const socket = net.connect(Number(new URL(proxy.url).port), "127.0.0.1");
  const received: string[] = [];
  socket.on("error", () => undefined);
  socket.on("data", (data) => received.push(data.toString()));
  // `events.once` would reject, because a cut may emit an error before the close.
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await once(socket, "connect");
  return { socket, closed, text: () => received.join("") };
}

test("data passes in both directions, including the last data before a close", async () => {
  const { socket, closed, text } = await connect();
  socket.write("hello");
  await eventually("the echo is there", async () => text() === "hello");
  socket.write("bye");
  await closed;
  expect(text()).toBe(`hello${LAST_WORDS}`);
  expect([await heard.next(), await heard.next()]).toEqual(["hello", "bye"]);
});

test("a stall holds back all data, also of new connections, and loses none", async () => {
  const before = await connect();
  before.socket.write("1");
  await eventually("the echo is there", async () => before.text() === "1");
  await heard.next();
  proxy.stall();
  const since = await connect();
  before.socket.write("2");
  since.socket.write("3");
  // A round trip through another proxy shows that enough time has passed.
  const other = await openTcpProxy(serverUrl());
  const socket = net.connect(Number(new URL(other.url).port), "127.0.0.1");
  socket.write("passes");
  expect(await heard.next()).toBe("passes");
  expect([before.text(), since.text(), heard.unread]).toEqual(["1", "", []]);
  proxy.flow();
  await eventually("both are answered", async () => before.text() + since.text() === "123");
  expect(new Set([await heard.next(), await heard.next()])).toEqual(new Set(["2", "3"]));
  socket.destroy();
  await other.close();
});

test("a cut breaks all connections, also stalled ones; new ones are accepted unless refused", async () => {
  const [one, two] = [await connect(), await connect()];
  proxy.cut();
  await Promise.all([one.closed, two.closed]);
  const three = await connect();
  proxy.stall();
  three.socket.write("never");
  proxy.refuse();
  proxy.cut();
  await three.closed;
  await (await connect()).closed;
  proxy.flow();
  const four = await connect();
  four.socket.write("again");
  expect(await heard.next()).toBe("again");
});

test("keepalive settings end a stalled session at the server at once, and at the client after the stall", async () => {
  const [asked, other] = [await connect(), await connect()];
  asked.socket.write(
    "set tcp_keepalives_idle = 1; set tcp_keepalives_interval = 1; set tcp_keepalives_count = 0",
  );
  other.socket.write("1");
  await eventually("the echoes are there", async () => asked.text() !== "" && other.text() !== "");
  proxy.stall();
  await hungUp.next();
  asked.socket.write("this is lost");
  expect(asked.socket.closed).toBe(false);
  proxy.flow();
  await asked.closed;
  other.socket.write("2");
  await eventually("the other goes on", async () => other.text() === "12");
  expect(hungUp.unread).toEqual([]);
});

const deaths: readonly (readonly [string, (socket: net.Socket) => void])[] = [
  ["closes", (socket) => void socket.destroy()],
  ["closes with data on its way", (socket) => void socket.end("never")],
  ["resets", (socket) => void socket.resetAndDestroy()],
];

describe.each(deaths)("a client that %s during a stall", (_, die) => {
  async function stalledAndDead(keepalives: string) {
    const { socket, text } = await connect();
    socket.write(`${keepalives} `);
    await eventually("the echo is there", async () => text() !== "");
    // The proxy learns of the death before it learns of this connection.
    proxy.stall();
    die(socket);
    const other = await openTcpProxy(serverUrl());
    const later = net.connect(Number(new URL(other.url).port), "127.0.0.1");
    later.write("bye");
    later.resume();
    await once(later, "close");
    await hungUp.next();
    await other.close();
  }

  test("is dead to the server after the time of its keepalives", async () => {
    await stalledAndDead(
      "set tcp_keepalives_idle = 1; set tcp_keepalives_interval = 1; set tcp_keepalives_count = 0",
    );
    expect(hungUp.unread).toEqual([]);
    await hungUp.next();
  });

  test("is dead to the server when the stall is over", async () => {
    await stalledAndDead("no keepalives");
    expect(hungUp.unread).toEqual([]);
    proxy.flow();
    await hungUp.next();
  });
});

test("a stranded connection stays silent for good, and new connections work", async () => {
  const stranded = await connect();
  stranded.socket.write("1");
  await eventually("the echo is there", async () => stranded.text() === "1");
  await heard.next();
  proxy.strand();
  stranded.socket.write("2");
  proxy.flow();
  const later = await connect();
  later.socket.write("3");
  expect(await heard.next()).toBe("3");
  await eventually("the echo is there", async () => later.text() === "3");
  expect([stranded.text(), heard.unread]).toEqual(["1", []]);
  proxy.cut();
  await stranded.closed;
});

function serverUrl(): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return `tcp://127.0.0.1:${address.port}`;
}

import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { SERVER_LIMITS } from "#src/interfaces/http/limits.ts";
import { listen } from "#src/interfaces/http/server.ts";
import { answerOn, openSocket } from "../support/raw-http.ts";

/** The usual idle timeout of load balancers. */
const LOAD_BALANCER_MS = 60_000;

test("a connection that was idle for as long as a load balancer keeps it still takes a POST", async () => {
  const app = new Hono().post("/", async (c) => c.text(await c.req.text()));
  const server = await listen(app, 0);
  onTestFinished(() => server.close(0));
  const socket = await openSocket(server.url);
  const answer = answerOn(socket);
  const post = "POST / HTTP/1.1\r\nhost: api\r\ncontent-length: 5\r\n";
  socket.write(`${post}\r\nfirst`);
  await once(socket, "data");
  // This test must wait: only the time shows whether the server closes the connection.
  await delay(LOAD_BALANCER_MS);
  socket.write(`${post}connection: close\r\n\r\nother`);
  const { head, body } = await answer;
  expect(head).toContain(`timeout=${SERVER_LIMITS.keepAliveTimeoutMs / 1_000}`);
  expect(body).toMatch(/^first[^]*HTTP\/1\.1 200[^]*other$/);
});

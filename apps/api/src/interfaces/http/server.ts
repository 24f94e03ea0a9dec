import { createServer, type Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";

const REQUEST_TIMEOUT_MS = 30_000;

export interface HttpServer {
  readonly url: string;
  /** Takes no more requests; those under way get `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves on all addresses. Port 0 takes a free one. A request that is not complete after
 * `requestTimeoutMs` is cut off. @throws Error `EADDRINUSE`, `EACCES` …
 */
export async function listen(
  app: Hono,
  port: number,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
): Promise<HttpServer> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    createServer,
    serverOptions: {
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: requestTimeoutMs / 10,
    },
  });
  if (!("closeAllConnections" in server)) throw new Error("not an HTTP/1 server");
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, resolve);
  });
  return { url: urlOf(server), close: (graceMs) => close(server, graceMs) };
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return `http://localhost:${address.port}`;
}

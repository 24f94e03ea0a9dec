import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import { getRequestListener, type Http2Bindings, type HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import { SERVER_LIMITS, type ServerLimits } from "./limits.ts";
import { answerAdapterError, answerUnreadableRequests, refuse } from "./unreadable-requests.ts";

export interface HttpServer {
  readonly url: string;
  /** Takes no more requests; those under way get `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves on all addresses. Port 0 takes a free one. Tests change the limits, to wait less.
 * @throws Error `EADDRINUSE`, `EACCES` …
 */
export async function listen(
  app: Hono,
  port: number,
  changedLimits: Partial<ServerLimits> = {},
): Promise<HttpServer> {
  const limits = { ...SERVER_LIMITS, ...changedLimits };
  const checkEveryMs = Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs) / 10;
  const answer = getRequestListener(withinLimits(app, limits), {
    errorHandler: answerAdapterError,
  });
  const server = createServer(
    {
      requestTimeout: limits.requestTimeoutMs,
      headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
      connectionsCheckingInterval: checkEveryMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      maxHeaderSize: limits.headerBytes,
      // The adapter refuses it, too, and with an answer that has a body.
      requireHostHeader: false,
    },
    (incoming, outgoing) => void answer(incoming, outgoing),
  );
  server.maxConnections = limits.connections;
  server.maxRequestsPerSocket = limits.requestsPerConnection;
  // Node drops what is beyond: one more lets us see that there were too many.
  server.maxHeadersCount = limits.headers + 1;
  answerUnreadableRequests(server);
  closeQuietConnections(server, limits.unreadTimeoutMs);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, resolve);
  });
  return { url: urlOf(server), close: (graceMs) => close(server, graceMs) };
}

/**
 * Those whose client does not read, and those that are idle. One that is quiet because its answer is
 * not there yet stays: a delivered job may run for hours.
 */
function closeQuietConnections(server: Server, afterMs: number): void {
  const requests = new WeakMap<Socket, number>();
  const count = (socket: Socket, change: number) =>
    requests.set(socket, (requests.get(socket) ?? 0) + change);
  server.on("request", ({ socket }, response) => {
    count(socket, 1);
    response.once("close", () => count(socket, -1));
  });
  // Node's keepAliveTimeout ends here, too.
  server.setTimeout(afterMs, (socket) => {
    if (socket.writableLength > 0 || !requests.get(socket)) socket.destroy();
  });
}

type Fetch = (request: Request, env: HttpBindings | Http2Bindings) => Promise<Response>;

function withinLimits(app: Hono, { headers, connections }: ServerLimits): Fetch {
  let underWay = 0;
  return async (request, { incoming }) => {
    if (incoming.rawHeaders.length > headers * 2) {
      return refuse(431, "request.headers_too_large", `Send at most ${headers} headers.`);
    }
    // Only clients that do not wait for their answers can send more requests than connections.
    if (underWay >= connections) {
      const message = "Too many requests are under way.";
      return refuse(503, "request.overloaded", message, { "retry-after": "1" });
    }
    underWay += 1;
    try {
      return await app.fetch(request);
    } finally {
      underWay -= 1;
    }
  };
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

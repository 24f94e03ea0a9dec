import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import { getRequestListener, type Http2Bindings, type HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import { SERVER_LIMITS, type ServerLimits } from "./limits.ts";
import { answerAdapterError, answerUnreadableRequests, refuse } from "./unreadable-requests.ts";

export interface HttpServer {
  readonly url: string;
  /** Refuses new requests and gives those in flight `graceMs` to finish. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves on all addresses; port 0 picks a free one. Tests lower the limits to wait less.
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
      // The adapter refuses such requests itself, with a JSON body.
      requireHostHeader: false,
    },
    (incoming, outgoing) => void answer(incoming, outgoing),
  );
  server.maxConnections = limits.connections;
  server.maxRequestsPerSocket = limits.requestsPerConnection;
  // Node drops headers beyond its limit. One more than ours shows that there were too many.
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
 * Closes connections that are idle or whose client does not read. A connection that waits for its
 * response stays open, because a delivered job may run for hours.
 */
function closeQuietConnections(server: Server, afterMs: number): void {
  const requests = new WeakMap<Socket, number>();
  const count = (socket: Socket, change: number) =>
    requests.set(socket, (requests.get(socket) ?? 0) + change);
  server.on("request", ({ socket }, response) => {
    count(socket, 1);
    response.once("close", () => count(socket, -1));
  });
  // Node's keepAliveTimeout also calls this listener.
  server.setTimeout(afterMs, (socket) => {
    if (socket.writableLength > 0 || !requests.get(socket)) socket.destroy();
  });
}

type Fetch = (request: Request, env: HttpBindings | Http2Bindings) => Promise<Response>;

function withinLimits(app: Hono, { headers, connections }: ServerLimits): Fetch {
  let inFlight = 0;
  return async (request, { incoming }) => {
    if (incoming.rawHeaders.length > headers * 2) {
      return refuse(431, "request.headers_too_large", `Send at most ${headers} headers.`);
    }
    // A client exceeds this only by sending requests before it has the earlier responses.
    if (inFlight >= connections) {
      const message = "Too many requests are in flight.";
      return refuse(503, "request.overloaded", message, { "retry-after": "1" });
    }
    inFlight += 1;
    try {
      return await app.fetch(request);
    } finally {
      inFlight -= 1;
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
  if (address === null || typeof address === "string")
    throw new Error("the HTTP server has no TCP port");
  return `http://localhost:${address.port}`;
}

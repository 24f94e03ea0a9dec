import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { Faults } from "#src/engine/faults.ts";
import { ApiError } from "#src/protocol/api-error.ts";
import { bindings, type Env, type Services } from "#src/server/request.ts";
import { dlqRoutes } from "#src/server/routes/dlq.ts";
import { flowControlRoutes } from "#src/server/routes/flow-control.ts";
import { bulkActionRoutes, logRoutes, messageRoutes } from "#src/server/routes/messages.ts";
import { publishRoutes } from "#src/server/routes/publish.ts";
import { queueRoutes } from "#src/server/routes/queues.ts";
import { scheduleRoutes } from "#src/server/routes/schedules.ts";
import {
  faultRoutes,
  keyRoutes,
  readinessRoutes,
  workflowRoutes,
} from "#src/server/routes/server.ts";
import { urlGroupRoutes } from "#src/server/routes/url-groups.ts";

/** Builds the HTTP API. The token chooses the account. `onError` receives errors that are our fault. */
export function createApp(
  accounts: readonly Services[],
  onError: (error: unknown) => void,
): Hono<Env> {
  const apis = accounts.map((account) => ({
    accepts: tokenCheck(account.token),
    api: accountApi(account, onError),
  }));
  return new Hono<Env>().use(allowBrowsers).all("*", (c) => {
    const account = apis.find(({ accepts }) => accepts(c));
    if (account) return account.api.fetch(c.req.raw, c.env);
    return c.json({ error: "unauthorized: invalid token" }, 401);
  });
}

function accountApi(account: Services, onError: (error: unknown) => void): Hono<Env> {
  const api = new Hono<Env>();

  api.onError((error, c) => {
    if (error instanceof ApiError) {
      return c.json({ error: error.message }, error.status, { ...error.headers });
    }
    onError(error);
    return c.json({ error: "internal server error" }, 500);
  });
  api.notFound((c) => c.json({ error: "not found" }, 404));

  api.use("/v2/*", apiFaults(account.faults));
  for (const routes of [
    publishRoutes,
    keyRoutes,
    readinessRoutes,
    workflowRoutes,
    messageRoutes,
    bulkActionRoutes,
    scheduleRoutes,
    dlqRoutes,
    logRoutes,
    queueRoutes,
    flowControlRoutes,
    urlGroupRoutes,
  ]) {
    api.route("/v2", routes(account));
  }
  api.route("/dev", faultRoutes(account));
  return api;
}

/** Lets web pages call the API, as the console does in its local mode. */
const allowBrowsers: MiddlewareHandler<Env> = async (c, next) => {
  if (c.req.method === "OPTIONS") {
    return c.body(null, 204, {
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
      // A wildcard would not cover Authorization.
      "Access-Control-Allow-Headers": c.req.header("access-control-request-headers") ?? "*",
      "Access-Control-Allow-Private-Network": "true",
      "Access-Control-Max-Age": "3600",
    });
  }
  await next();
  const isDropped = c.res.type === "error" || c.res === RESPONSE_ALREADY_SENT;
  if (!isDropped) {
    c.res.headers.set("Access-Control-Allow-Origin", "*");
    c.res.headers.set("Access-Control-Expose-Headers", "*");
  }
  return undefined;
};

/** Accepts the token as a bearer token or as a query parameter. Compares it in constant time. */
function tokenCheck(token: string): (c: Context<Env>) => boolean {
  const expected = digest(`Bearer ${token}`);
  const isToken = (authorization: string) => timingSafeEqual(digest(authorization), expected);
  return (c) => {
    const inHeader = isToken(c.req.header("authorization") ?? "");
    return isToken(`Bearer ${c.req.query("qstash_token") ?? ""}`) || inHeader;
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

const BURST_LIMIT = { limit: "100", remaining: "0", resetAfterS: 1 };

/** Injects the faults of the API. Spares reads, so that tests can always look. */
function apiFaults(faults: Faults): MiddlewareHandler<Env> {
  return async (c, next) => {
    if (c.req.method === "GET") {
      await next();
      return;
    }
    if (faults.strikes("answer-500")) throw new ApiError(500, "internal server error");
    if (faults.strikes("answer-429")) throw burstLimit();
    await next();
    // The request took effect, but the caller gets no answer.
    if (faults.strikes("drop-answer")) {
      const outgoing = bindings(c)?.outgoing;
      outgoing?.destroy();
      c.res = outgoing ? RESPONSE_ALREADY_SENT : Response.error();
    }
  };
}

function burstLimit(): ApiError {
  return new ApiError(429, "Exceeded burst rate limit", {
    "Burst-RateLimit-Limit": BURST_LIMIT.limit,
    "Burst-RateLimit-Remaining": BURST_LIMIT.remaining,
    "Burst-RateLimit-Reset": String(Math.ceil(Date.now() / 1_000) + BURST_LIMIT.resetAfterS),
  });
}

const HOST = "127.0.0.1";

export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves an app on the loopback address. Port 0 takes a free port. Rejects if the port is taken. */
export async function listen(app: Hono<Env>, port: number): Promise<Listening> {
  const respond = getRequestListener((request, env) => app.fetch(request, env), {
    overrideGlobalObjects: false,
  });
  const server = createServer((incoming, outgoing) => void respond(incoming, outgoing));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, resolve);
  });
  return { url: `http://${HOST}:${portOf(server)}`, close: () => closeServer(server) };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return address.port;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

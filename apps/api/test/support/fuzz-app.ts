import { Agent, request as httpRequest } from "node:http";
import { createQStashDev, DEV_CREDENTIALS } from "@orbit/qstash-dev";
import { z } from "zod";
import { startTestApp, type TestApp } from "./app.ts";
import type { FuzzRequest, KnownValues, Route } from "./fuzz-requests.ts";
import { WEBHOOK_SECRET } from "./stripe.ts";
import { errorProblem, internalProblem, isJson } from "./public-error.ts";

export interface FuzzAnswer {
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

export interface FuzzApp extends TestApp {
  send(request: FuzzRequest): Promise<FuzzAnswer>;
  /** Creates a workspace and an invite. Returns their ids, secrets and valid bodies. */
  fill(): Promise<KnownValues>;
}

/** The app with a real provider, and a client that sends odd requests unchanged. */
export async function startFuzzApp(provider: "graphile" | "qstash"): Promise<FuzzApp> {
  const qstash = provider === "qstash" ? createQStashDev() : undefined;
  const app = await startTestApp({
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    ...(qstash && qstashEnvironment(await qstash.start())),
  });
  const agent = new Agent({ keepAlive: true });
  return {
    ...app,
    send: (request) => send(app.server.url, agent, request),
    fill: () => fill(app),
    async close() {
      agent.destroy();
      await app.close();
      await qstash?.close();
    },
  };
}

function qstashEnvironment(url: string): Record<string, string> {
  return {
    JOBS_PROVIDER: "qstash",
    JOBS_WORKER: "off",
    QSTASH_URL: url,
    QSTASH_TOKEN: DEV_CREDENTIALS.token,
    QSTASH_CURRENT_SIGNING_KEY: DEV_CREDENTIALS.currentSigningKey,
    QSTASH_NEXT_SIGNING_KEY: DEV_CREDENTIALS.nextSigningKey,
    // Nothing listens there, so no job is delivered.
    QSTASH_CALLBACK_URL: "http://127.0.0.1:2",
  };
}

const madeInvite = z.object({ invite: z.object({ id: z.string(), token: z.string() }) });

async function fill(app: TestApp): Promise<KnownValues> {
  await app.request("POST", "/v1/workspaces", { slug: "acme", name: "Acme" });
  const { body } = await app.request("POST", "/v1/workspaces/acme/invites", {
    email: "ann@example.com",
  });
  const { id, token } = madeInvite.parse(body).invite;
  const cleanup = "cleanup.stale-invites";
  const options = { runAt: "2030-01-01T00:00:00Z", jobKey: "once", maxAttempts: 4 };
  return {
    texts: ["acme", id, cleanup, "sub_1"],
    secrets: [token],
    bodies: [
      { slug: "beta", name: "Beta" },
      { email: "bob@example.com" },
      { name: cleanup, payload: { olderThanHours: 1 }, ...options },
      { name: "workspaces.invites.send-reminder", payload: { inviteId: id } },
      { olderThanHours: 1 },
    ],
  };
}

function send(url: string, agent: Agent, request: FuzzRequest): Promise<FuzzAnswer> {
  const { method, target, body, chunked, headers } = request;
  return new Promise((resolve, reject) => {
    const length = chunked
      ? { "transfer-encoding": "chunked" }
      : { "content-length": Buffer.byteLength(body ?? "") };
    httpRequest(
      url,
      {
        method,
        path: target,
        agent,
        headers: body === undefined ? headers : { ...headers, ...length },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("error", reject).on("end", () => {
          const type = response.headers["content-type"] ?? null;
          resolve({ status: response.statusCode ?? 0, type, body: text });
        });
      },
    )
      .on("error", reject)
      .end(body);
  });
}

/** The reason why an answer is undocumented or reveals internals; `undefined` for a good one. */
export function problemOf(
  { status, type, body }: FuzzAnswer,
  { method }: FuzzRequest,
  { path }: Route,
): string | undefined {
  // 503 is documented for an unreachable provider and an unhealthy process.
  if (status >= 500 && status !== 503) return `${status}: ${body}`;
  if (method === "HEAD" || status === 204) return body === "" ? undefined : `a body: ${body}`;
  if (status >= 400 && path !== "/health") return errorProblem(type, body);
  return isJson(type, body) ? internalProblem(body) : `not JSON: ${type} ${body}`;
}

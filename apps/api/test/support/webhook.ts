import { Hono } from "hono";
import { Pool } from "pg";
import { jobsController } from "#src/interfaces/http/controllers/jobs.controller.ts";
import { errorResponse } from "#src/interfaces/http/errors.ts";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { JobRuntime } from "#src/jobs/application/job-runtime.ts";
import type { JobLogger } from "#src/jobs/application/ports.ts";
import { qstash } from "#src/jobs/infrastructure/qstash/qstash-provider.ts";
import { bindProvider } from "./bind-provider.ts";
import { createTestDatabase } from "./database.ts";
import { dispatcherOf, NOBODY, qstashOptions } from "./qstash-options.ts";
import { type SignatureOptions, sign } from "./sign.ts";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

export const CALLBACK_URL = "https://api.example.com";
export const CURRENT_KEY = "sig_current_key_of_the_tests";
export const NEXT_KEY = "sig_next_key_of_the_tests";

export interface Webhook {
  readonly runtime: JobRuntime;
  readonly app: Hono;
  readonly logged: readonly { readonly fields: object; readonly message: string }[];
  /** Between the webhook and its database. */
  readonly proxy: TcpProxy;
  /** How many deliveries of a message are recorded as refused. */
  refusals(messageId: string): Promise<number>;
  /** Sends a request as QStash would, apart from what `options` change. */
  deliver(name: string, body: string | Uint8Array, options?: DeliverOptions): Promise<Response>;
  close(): Promise<void>;
}

export interface DeliverOptions {
  readonly search?: string;
  readonly signed?: Partial<SignatureOptions>;
  readonly headers?: Record<string, string>;
}

/** The webhook with its own database. It calls QStash at `qstashUrl` only if its runtime starts. */
export async function openWebhook(
  definitions: readonly JobDefinition[],
  qstashUrl: string = NOBODY,
): Promise<Webhook> {
  const database = await createTestDatabase();
  const proxy = await openTcpProxy(database.url);
  const pool = new Pool({ connectionString: proxy.url });
  pool.on("error", () => undefined);
  const logged: { fields: object; message: string }[] = [];
  const keep = (fields: object, message: string) => void logged.push({ fields, message });
  const log: JobLogger = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  const provider = qstash(
    qstashOptions(qstashUrl, {
      currentSigningKey: CURRENT_KEY,
      nextSigningKey: NEXT_KEY,
      callbackUrl: CALLBACK_URL,
    }),
  );
  const parts = bindProvider(provider, definitions, {
    sql: { query: (text, values) => pool.query(text, [...values]) },
    log,
    settings: { shutdownGraceMs: 0 },
  });
  const app = new Hono()
    .onError((error, c) => errorResponse(error, c, log))
    .route("/v1", jobsController(dispatcherOf(parts)));
  return {
    runtime: parts.runtime,
    app,
    logged,
    proxy,
    async refusals(messageId) {
      const { rows } = await database.pool.query<{ refused: number }>(
        "select refused from orbit_jobs.qstash_messages where id = $1",
        [messageId],
      );
      return rows[0]?.refused ?? 0;
    },
    async deliver(name, body, { search = "", signed = {}, headers = {} } = {}) {
      const path = `/v1/jobs/run/${name}${search}`;
      const url = CALLBACK_URL + path;
      const signature = sign({ key: CURRENT_KEY, url, body, ...signed });
      return app.request(path, {
        method: "POST",
        headers: {
          "upstash-signature": signature,
          "upstash-message-id": `msg_${crypto.randomUUID()}`,
          ...headers,
        },
        body: typeof body === "string" ? body : new Uint8Array(body),
      });
    },
    async close() {
      await parts.runtime.stop();
      await pool.end();
      await proxy.close();
      await database.drop();
    },
  };
}

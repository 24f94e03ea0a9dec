import { randomUUID } from "node:crypto";
import { createQStashDev, DEV_CREDENTIALS } from "@orbit/qstash-dev";
import { z } from "zod";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { freePort } from "./free-port.ts";
import { type JumpClock, jumpClock } from "./jump-clock.ts";
import { startSmtp } from "./smtp.ts";
import { WEBHOOK_SECRET } from "./stripe.ts";

const TOKEN = "token-of-the-deployment-in-the-tests";

export interface Deployment {
  /** The log so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Runs the build of a platform. */
export type StartDeployment = (port: number, env: Record<string, string>) => Promise<Deployment>;

export interface ServerlessWorld {
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  readonly database: TestDatabase;
  /** The clock of the local QStash. */
  readonly clock: JumpClock;
  /** The mails that its SMTP server received. */
  readonly mails: readonly string[];
  call(method: string, path: string, body?: unknown, headers?: object): Promise<Answer>;
  /** Adds an invite that the clean-up job deletes. */
  addExpiredInvite(): Promise<void>;
  countExpiredInvites(): Promise<number>;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Starts a deployment with its database, QStash and mail server. */
export async function openServerlessWorld(start: StartDeployment): Promise<ServerlessWorld> {
  const database = await createTestDatabase();
  const clock = jumpClock();
  const qstash = createQStashDev({ clock });
  const smtp = await startSmtp();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ORBIT_API_TOKEN: TOKEN,
    DATABASE_URL: database.url,
    JOBS_PROVIDER: "qstash",
    QSTASH_URL: await qstash.start(),
    QSTASH_TOKEN: DEV_CREDENTIALS.token,
    QSTASH_CURRENT_SIGNING_KEY: DEV_CREDENTIALS.currentSigningKey,
    QSTASH_NEXT_SIGNING_KEY: DEV_CREDENTIALS.nextSigningKey,
    QSTASH_CALLBACK_URL: url,
    SMTP_URL: smtp.url,
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    MAIL_FROM: "Orbit <no-reply@example.com>",
    LOG_LEVEL: "error",
  };
  // Secrets that are piped into a platform's command end with a line break.
  const deployed = Object.entries(env).map(([name, value]) => [name, `${value}\n`] as const);
  const deployment = await start(port, Object.fromEntries(deployed));
  return {
    url,
    env,
    database,
    clock,
    mails: smtp.received,
    call: (method, path, body, headers) => call(url + path, method, body, headers),
    async addExpiredInvite() {
      const id = randomUUID();
      await database.pool.query(
        `insert into workspaces (id, slug, name, created_at) values ($1::uuid, $1::text, 'Old', now() - interval '90 days')`,
        [id],
      );
      await database.pool.query(
        `insert into workspace_invites (id, workspace_id, email, token, created_at, expires_at)
         values ($1::uuid, $1::uuid, 'old@example.com', $1::text, now() - interval '60 days', now() - interval '46 days')`,
        [id],
      );
    },
    async countExpiredInvites() {
      const found = await database.pool.query(
        "select from workspace_invites where email = 'old@example.com'",
      );
      return found.rowCount ?? 0;
    },
    async close() {
      await deployment.stop();
      await qstash.close();
      await smtp.close();
      await database.drop();
    },
  };
}

async function call(url: string, method: string, body?: unknown, headers = {}): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: z.json().parse(await response.json()) };
}

import { randomUUID } from "node:crypto";
import { createQStashDev, DEV_CREDENTIALS, type QStashDev } from "@orbit/qstash-dev";
import { Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { readConfig } from "#/config.ts";
import { syncSchedules } from "#/jobs/feature.ts";
import { eventually } from "#/jobs/testing/probe.ts";
import { composeServerless } from "#/serverless.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { freePort } from "../support/free-port.ts";
import { type JumpClock, jumpClock } from "../support/jump-clock.ts";
import { sign } from "../support/sign.ts";
import { bundleWorker, type WorkerBundle } from "../support/worker-bundle.ts";

// The bundle that would be deployed, in the runtime that would run it.

const LIMIT_KIB = 1_024;
const LIMIT_GZIP_KIB = 256;

const TOKEN = "token-of-the-worker-in-the-tests";
const DAY_MS = 86_400_000;

let bundle: WorkerBundle;
let database: TestDatabase;
let qstash: QStashDev;
let worker: Miniflare;
let url: string;
let env: Record<string, string>;
const clock: JumpClock = jumpClock();
const deliveries: string[] = [];

beforeAll(async () => {
  bundle = await bundleWorker();
  database = await createTestDatabase();
  qstash = createQStashDev({ clock, log: (line) => deliveries.push(line) });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  env = {
    ORBIT_API_TOKEN: TOKEN,
    JOBS_PROVIDER: "qstash",
    QSTASH_URL: await qstash.start(),
    QSTASH_TOKEN: DEV_CREDENTIALS.token,
    QSTASH_CURRENT_SIGNING_KEY: DEV_CREDENTIALS.currentSigningKey,
    QSTASH_NEXT_SIGNING_KEY: DEV_CREDENTIALS.nextSigningKey,
    QSTASH_CALLBACK_URL: url,
    LOG_LEVEL: "error",
  };
  worker = startWorker({ port, bindings: { ...env, DATABASE_URL: database.url } });
  await worker.ready;
});

function startWorker(options: {
  readonly port: number;
  readonly bindings: Record<string, string>;
  readonly hyperdrives?: Record<string, string>;
}) {
  return new Miniflare({
    modules: [{ type: "ESModule", path: "edge.js", contents: bundle.code }],
    host: "127.0.0.1",
    compatibilityDate: "2026-07-01",
    compatibilityFlags: ["nodejs_compat"],
    ...options,
  });
}

afterAll(async () => {
  await worker.dispose();
  await qstash.close();
  await database.drop();
});

async function call(method: string, path: string, body?: unknown, headers = {}) {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: z.json().parse(await response.json()) };
}

const expiredInvites = async () =>
  (await database.pool.query("select from workspace_invites where email = 'old@example.com'"))
    .rowCount;

async function addExpiredInvite(): Promise<void> {
  await database.pool.query(
    `insert into workspace_invites (id, workspace_id, email, token, created_at, expires_at)
     select $1::uuid, id, 'old@example.com', $1::text, now() - interval '60 days', now() - interval '46 days'
       from workspaces limit 1`,
    [randomUUID()],
  );
}

test("the bundle has no graphile-worker in it and stays small", () => {
  // oxlint-disable-next-line no-console -- how big it is belongs in the report
  console.log(
    `Worker bundle: ${bundle.kib} KiB of at most ${LIMIT_KIB}, ${bundle.gzipKib} KiB gzipped of at most ${LIMIT_GZIP_KIB}`,
  );
  expect(bundle.code).not.toContain("graphile_worker");
  expect(bundle.kib).toBeLessThanOrEqual(LIMIT_KIB);
  expect(bundle.gzipKib).toBeLessThanOrEqual(LIMIT_GZIP_KIB);
});

test("it serves the API from Postgres, and says so", async () => {
  expect(await call("GET", "/health")).toMatchObject({
    status: 200,
    body: { provider: "qstash", database: "up" },
  });
  expect((await call("POST", "/v1/workspaces", { slug: "acme", name: "Acme" })).status).toBe(201);
  const { body } = await call("GET", "/v1/workspaces/acme/invites");
  expect(body).toEqual({ invites: [] });
});

test("an invite's reminder is enqueued, and delivered three days later", async () => {
  const { status } = await call("POST", "/v1/workspaces/acme/invites", { email: "a@example.com" });
  expect(status).toBe(201);
  const delivered = () =>
    deliveries.some((line) => /^DELIVERED .*run\/workspaces\.invites\.send-reminder/.test(line));
  expect(delivered()).toBe(false);
  clock.jump(3 * DAY_MS);
  await eventually("the reminder is delivered", async () => delivered());
});

test("a job runs, and what it does is in the database", async () => {
  await addExpiredInvite();
  const { status } = await call("POST", "/v1/jobs", {
    name: "cleanup.stale-invites",
    payload: { olderThanHours: 1 },
    jobKey: "now",
  });
  expect(status).toBe(202);
  await eventually("it has been cleaned up", async () => (await expiredInvites()) === 0);
});

test("a tick of a schedule runs its job", async () => {
  await addExpiredInvite();
  const config = readConfig({ ...env, DATABASE_URL: database.url });
  if (config.jobs.provider !== "qstash") throw new Error("not qstash");
  const container = composeServerless(config);
  const changes = await syncSchedules(config.jobs, container.registry);
  expect(changes.created).toEqual(["orbit_127.0.0.1_cleanup.stale-invites"]);
  expect(await syncSchedules(config.jobs, container.registry)).toEqual({
    created: [],
    updated: [],
    deleted: [],
  });
  await container.close();
  clock.jump(3_600_000);
  await eventually("it has been cleaned up", async () => (await expiredInvites()) === 0);
});

test("what QStash did not sign for this very route is refused, and nothing runs", async () => {
  await addExpiredInvite();
  const path = "/v1/jobs/run/cleanup.stale-invites";
  const body = JSON.stringify({ olderThanHours: 0 });
  const good = { key: DEV_CREDENTIALS.currentSigningKey, url: url + path, body };
  const bad = [
    sign({ ...good, key: "sig_of_somebody_else" }),
    sign({ ...good, url: `${url}/v1/jobs/run/workspaces.invites.send-reminder` }),
    sign({ ...good, body: "{}" }),
    sign({ ...good, age: 600 }),
    sign({ ...good, age: -600 }),
    sign({ ...good, algorithm: "none" }),
  ];
  for (const signature of bad) {
    const refused = await call("POST", path, body, { "upstash-signature": signature });
    expect(refused).toMatchObject({
      status: 401,
      body: { error: { code: "jobs.invalid_signature" } },
    });
  }
  expect(await expiredInvites()).toBe(1);
  const signature = sign({ ...good, key: DEV_CREDENTIALS.nextSigningKey });
  expect((await call("POST", path, body, { "upstash-signature": signature })).status).toBe(200);
  expect(await expiredInvites()).toBe(0);
});

test("a job that it does not know is 404", async () => {
  const path = "/v1/jobs/run/of-another-version";
  const signature = sign({ key: DEV_CREDENTIALS.currentSigningKey, url: url + path, body: "{}" });
  const answer = await call("POST", path, "{}", { "upstash-signature": signature });
  expect(answer).toMatchObject({ status: 404, body: { error: { code: "jobs.unknown_job" } } });
});

test("a Hyperdrive binding is the database where there is one", async () => {
  const hyperdrive = startWorker({
    port: 0,
    bindings: { ...env, DATABASE_URL: "postgres://nobody@127.0.0.1:1/nowhere" },
    hyperdrives: { HYPERDRIVE: database.url },
  });
  try {
    const response = await fetch(new URL("/health", await hyperdrive.ready));
    expect(await response.json()).toMatchObject({ database: "up" });
  } finally {
    await hyperdrive.dispose();
  }
});

test("a deployment without its secrets says so in its log, not to strangers", async () => {
  const bare = startWorker({ port: 0, bindings: { DATABASE_URL: database.url } });
  try {
    const response = await fetch(new URL("/health", await bare.ready));
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ error: { code: "misconfigured" } });
  } finally {
    await bare.dispose();
  }
});

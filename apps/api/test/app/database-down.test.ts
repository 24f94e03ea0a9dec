import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "#src/jobs/testing/probe.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { openTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

let database: TestDatabase;
let proxy: TcpProxy;
let app: TestApp;

beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await openTcpProxy(database.url);
  app = await startTestApp({ DATABASE_URL: proxy.url });
});
afterEach(async () => {
  await app.close();
  await proxy.close();
  await database.drop();
});

test("requests get 503 with retry-after while the database is down, and succeed afterwards", async () => {
  proxy.refuse();
  proxy.cut();
  const down = await app.request("POST", "/v1/workspaces", { slug: "acme", name: "Acme" });
  expect(down.status).toBe(503);
  expect(down.headers.get("retry-after")).toBe("5");
  expect(down.body).toEqual({
    error: {
      code: "database.unavailable",
      message: "The database does not answer at the moment.",
    },
  });
  proxy.flow();
  const up = await app.request("POST", "/v1/workspaces", { slug: "acme", name: "Acme" });
  expect(up.status).toBe(201);
});

test("a database that refuses connections is 503 as well", async () => {
  const url = new URL(database.url);
  await database.pool.query(`alter database ${url.pathname.slice(1)} connection limit 0`);
  await database.pool.query("create role plain login password 'plain'");
  await database.pool.query("grant all on all tables in schema public to plain");
  url.username = "plain";
  url.password = "plain";
  const other = await startTestApp({ DATABASE_URL: url.href });
  const answer = await other.request("GET", "/v1/workspaces/acme/invites");
  await other.close();
  await database.pool.query("drop owned by plain");
  await database.pool.query("drop role plain");
  expect(answer.status).toBe(503);
});

/** More requests than the app's pool has connections. */
const listInvites = (length = 12) =>
  Array.from({ length }, () => app.request("GET", "/v1/workspaces/acme/invites"));

/** The test's app has no worker, so only the database counts. */
const isHealthy = async () => {
  const { body } = await app.request("GET", "/health");
  return JSON.stringify(body).includes('"database":"up"');
};

test.each([
  ["idle", () => []],
  ["waiting for answers", () => listInvites()],
  [
    "waiting for answers, some of them only since a ping began",
    async () => {
      const lost = listInvites(5);
      await setTimeout(100);
      void isHealthy();
      await setTimeout(200);
      return [...lost, ...listInvites(4)];
    },
  ],
])("with all connections silent while they are %s, the app recovers in seconds", async (_, use) => {
  await app.request("POST", "/v1/workspaces", { slug: "acme", name: "Acme" });
  await Promise.all(listInvites());
  proxy.strand();
  const strandedAt = performance.now();
  const lost = await use();
  await eventually("the database is up", isHealthy);
  await eventually(
    "the app answers",
    async () =>
      (await isHealthy()) &&
      (await app.request("GET", "/v1/workspaces/acme/invites")).status === 200,
  );
  await Promise.all(lost);
  expect(performance.now() - strandedAt).toBeLessThan(10_000);
});

test("a ping does not break slow statements that occupy the whole pool", async () => {
  await app.request("POST", "/v1/workspaces", { slug: "acme", name: "Acme" });
  const locker = await database.pool.connect();
  await locker.query("begin; lock table workspaces");
  const waiting = listInvites();
  const lockedAt = performance.now();
  // Every ping finds the pool full.
  while (performance.now() - lockedAt < 4_000) expect(await isHealthy()).toBe(true);
  await locker.query("commit");
  locker.release();
  const answers = await Promise.all(waiting);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});

import { afterEach, beforeEach, expect, test } from "vitest";
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

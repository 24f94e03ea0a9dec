import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ObservableJobRuntime } from "#src/jobs/application/job-runtime.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { graphileParts } from "../support/graphile-parts.ts";
import { hasPgBouncer, startPgBouncer } from "../support/pgbouncer.ts";

describe.skipIf(!hasPgBouncer)("through a real PgBouncer", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  test("start() refuses transaction mode, and its message names the remedy", async () => {
    const pooler = await startPgBouncer(database.url, "transaction");
    try {
      const runtime = runtimeOn(pooler.url);
      await expect(runtime.start()).rejects.toThrow(/transaction pooler.*WORKER_DATABASE_URL/s);
      await runtime.stop();
    } finally {
      await pooler.stop();
    }
  });

  test("session mode works", async () => {
    const pooler = await startPgBouncer(database.url, "session");
    try {
      const runtime = runtimeOn(pooler.url);
      await runtime.start();
      expect(runtime.connected).toBe(true);
      await runtime.stop();
    } finally {
      await pooler.stop();
    }
  });
});

test("a direct connection works", async () => {
  const database = await createTestDatabase();
  const runtime = runtimeOn(database.url);
  await runtime.start();
  expect(runtime.connected).toBe(true);
  await runtime.stop();
  await database.drop();
});

function runtimeOn(url: string): ObservableJobRuntime {
  return graphileParts([contractJob("contract.work", async () => undefined)], { url }).runtime;
}

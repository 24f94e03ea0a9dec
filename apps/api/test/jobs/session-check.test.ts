import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { GraphileJobRuntime } from "#src/jobs/infrastructure/graphile/graphile-job-runtime.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { hasPgBouncer, startPgBouncer } from "../support/pgbouncer.ts";
import { silentLog } from "../support/silent-log.ts";

describe.skipIf(!hasPgBouncer)("through a real PgBouncer", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  test("transaction mode is refused at start, and the message names the remedy", async () => {
    const pooler = await startPgBouncer(database.url, "transaction");
    try {
      const runtime = runtimeOn(pooler.url);
      await expect(runtime.start()).rejects.toThrow(/transaction pooler.*WORKER_DATABASE_URL/s);
      await runtime.stop();
    } finally {
      await pooler.stop();
    }
  });

  test("session mode is fine", async () => {
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

test("a direct connection passes", async () => {
  const database = await createTestDatabase();
  const runtime = runtimeOn(database.url);
  await runtime.start();
  expect(runtime.connected).toBe(true);
  await runtime.stop();
  await database.drop();
});

function runtimeOn(connectionString: string): GraphileJobRuntime {
  return new GraphileJobRuntime(buildJobs([contractJob("contract.work", async () => undefined)]), {
    connectionString,
    concurrency: 1,
    shutdownGraceMs: 100,
    log: silentLog,
  });
}

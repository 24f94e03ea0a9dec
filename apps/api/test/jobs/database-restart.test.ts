import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Pool } from "pg";
import { expect, test } from "vitest";
import { startEmbeddedPostgres } from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { GraphileJobQueue } from "#src/jobs/infrastructure/graphile/graphile-job-queue.ts";
import { GraphileJobRuntime } from "#src/jobs/infrastructure/graphile/graphile-job-runtime.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { silentLog } from "../support/silent-log.ts";

test("workers outlive a restart of the database, and nothing stays locked", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-restart-"));
  await chmod(directory, 0o755);
  const settings = { fsync: "off" };
  let postgres = await startEmbeddedPostgres({ directory, settings });
  const runs = createProbe<string>();
  const aborted = createProbe<true>();
  const registry = buildJobs([
    contractJob("contract.work", async (payload, { attempt, signal }) => {
      runs.report(`${JSON.stringify(payload)} ${attempt}`);
      if (payload !== "long" || attempt > 1) return;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      aborted.report(true);
    }),
  ]);
  const pool = new Pool({ connectionString: postgres.url });
  pool.on("error", () => undefined);
  const runtime = new GraphileJobRuntime(registry, {
    connectionString: postgres.url,
    concurrency: 2,
    shutdownGraceMs: 100,
    log: silentLog,
  });
  const queue = new GraphileJobQueue(registry, {
    sql: { query: (text, values) => pool.query(text, [...values]) },
    maxPayloadBytes: 1_000,
  });
  await runtime.start();
  await queue.enqueue("contract.work", "long");
  expect(await runs.next()).toBe('"long" 1');

  await postgres.stop();
  // The lease is gone, so the job may be somebody else's: its handler is told to end.
  await aborted.next();
  await eventually("it knows", async () => !runtime.connected);
  await expect(queue.enqueue("contract.work", "lost?")).rejects.toMatchObject({
    code: "jobs.provider_unavailable",
    status: 503,
  });

  postgres = await startEmbeddedPostgres({ directory, settings });
  await eventually("it is back", async () => runtime.connected);
  await queue.enqueue("contract.work", "new");
  const seen = [await runs.next(), await runs.next()];
  expect(new Set(seen)).toEqual(new Set(['"new" 1', '"long" 2']));
  await eventually("all is done", async () => {
    const { rows } = await pool.query("select from graphile_worker.jobs");
    return rows.length === 0;
  });

  await runtime.stop();
  await pool.end();
  await postgres.stop();
  await rm(postgres.directory, { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true });
});

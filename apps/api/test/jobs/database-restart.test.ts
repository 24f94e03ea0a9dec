import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Pool } from "pg";
import { expect, test } from "vitest";
import { startEmbeddedPostgres } from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { graphileParts } from "../support/graphile-parts.ts";

test("a worker outlives a database restart, and no job stays locked", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-restart-"));
  await chmod(directory, 0o755);
  const settings = { fsync: "off" };
  let postgres = await startEmbeddedPostgres({ directory, settings });
  const runs = createProbe<string>();
  const aborted = createProbe<true>();
  const job = contractJob("contract.work", async (payload, { attempt, signal }) => {
    runs.report(`${JSON.stringify(payload)} ${attempt}`);
    if (payload !== "long" || attempt > 1) return;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    aborted.report(true);
  });
  const pool = new Pool({ connectionString: postgres.url });
  pool.on("error", () => undefined);
  const { queue, runtime } = graphileParts([job], { url: postgres.url, pool });
  await runtime.start();
  await queue.enqueue("contract.work", "long");
  expect(await runs.next()).toBe('"long" 1');

  await postgres.stop();
  // Without its lease the worker may lose the job, so it aborts the handler.
  await aborted.next();
  await eventually("the worker notices", async () => !runtime.connected);
  await expect(queue.enqueue("contract.work", "lost?")).rejects.toMatchObject({
    code: "jobs.provider_unavailable",
    status: 503,
  });

  postgres = await startEmbeddedPostgres({ directory, settings });
  await eventually("the worker has reconnected", async () => runtime.connected === true);
  await queue.enqueue("contract.work", "new");
  const seen = [await runs.next(), await runs.next()];
  expect(new Set(seen)).toEqual(new Set(['"new" 1', '"long" 2']));
  await eventually("all jobs are done", async () => {
    const { rows } = await pool.query("select from graphile_worker.jobs");
    return rows.length === 0;
  });

  await runtime.stop();
  await pool.end();
  await postgres.stop();
  await rm(postgres.directory, { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true });
});

import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import {
  applyMigrations,
  commonMigrations,
  type MigrationSet,
} from "#src/jobs/infrastructure/sql/apply-migrations.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe } from "#src/jobs/testing/probe.ts";
import { openGraphileWorld } from "../support/graphile-harness.ts";

/** The common migrations of a later release, which appends one file. */
async function laterMigrations(sql: string, file = "0002_later.sql"): Promise<MigrationSet> {
  const folder = await mkdtemp(path.join(tmpdir(), "orbit-migrations-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await cp(commonMigrations.folder(), folder, { recursive: true });
  await writeFile(path.join(folder, file), sql);
  return { ...commonMigrations, folder: () => pathToFileURL(`${folder}/`) };
}

async function open() {
  const runs = createProbe<unknown>();
  const job = contractJob("contract.work", async (payload) => {
    runs.report(payload);
    if (payload === "dies") throw new Error("dies");
  });
  const world = await openGraphileWorld([job]);
  onTestFinished(() => world.close());
  return { runs, world };
}

const later = () =>
  laterMigrations("alter table :ORBIT_JOBS_SCHEMA.dead_jobs add column note text default 'later';");

test("a worker goes on while a newer release migrates, and can start again afterwards", async () => {
  const { runs, world } = await open();
  const old = world.runtime();
  await old.start();
  await applyMigrations(world.pool, await later());
  await world.queue.enqueue("contract.work", "after the migration");
  expect(await runs.next()).toBe("after the migration");
  await old.stop();
  // As if the old release's process was restarted during the deploy.
  await world.runtime().start();
  await world.queue.enqueue("contract.work", "dies", { maxAttempts: 1 });
  expect(await runs.next()).toBe("dies");
  await expect.poll(() => world.deadJobs()).toHaveLength(1);
});

test("two releases that migrate at the same time end with all files applied", async () => {
  const { world } = await open();
  const next = await later();
  await Promise.all(
    [commonMigrations, next, commonMigrations, next].map((set) => applyMigrations(world.pool, set)),
  );
  const { rows } = await world.pool.query(
    "select migration from orbit_jobs.schema_migrations where migration like 'common/%' order by 1",
  );
  expect(rows).toEqual([{ migration: "common/0001_initial" }, { migration: "common/0002_later" }]);
});

test("a start of the old release on a breaking migration is refused with one sentence", async () => {
  const { world } = await open();
  await applyMigrations(
    world.pool,
    await laterMigrations("select 1;", "0002_drops_a_column_breaking.sql"),
  );
  await expect(applyMigrations(world.pool, commonMigrations)).rejects.toThrow(
    "A newer release of Orbit Jobs applied the migration common/0002_drops_a_column_breaking, " +
      "and this release cannot work with it; deploy the newer release.",
  );
});

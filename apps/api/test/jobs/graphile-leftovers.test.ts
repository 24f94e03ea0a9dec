import { expect, onTestFinished, test } from "vitest";
import type { JsonValue } from "#src/jobs/application/job-types.ts";
import { PermanentJobError } from "#src/jobs/application/job-errors.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { openGraphileWorld } from "../support/graphile-harness.ts";

async function open(...jobs: Parameters<typeof openGraphileWorld>[0]) {
  const world = await openGraphileWorld(jobs);
  onTestFinished(() => world.close());
  return world;
}

test("exhausted jobs of graphile-worker alone are moved to the dead jobs, but not those of other apps", async () => {
  const world = await open(contractJob("contract.work", async () => undefined));
  for (const [task, key] of [
    ["contract.work", "ours"],
    ["mailer@eu", "foreign"],
  ]) {
    await world.pool.query(
      "select graphile_worker.add_job($1, '{}', max_attempts := 1, job_key := $2)",
      [task, key],
    );
  }
  await world.pool.query(
    "update graphile_worker._private_jobs set attempts = 1, last_error = 'long ago'",
  );
  await world.runtime().start();
  await eventually("the job is buried", async () => (await world.deadJobs()).length === 1);
  expect(await world.deadJobs()).toEqual([
    { name: "contract.work", attempts: 1, lastError: "long ago" },
  ]);
  expect(await world.pendingCount()).toBe(1);
});

test("a death that comes after the job went to another worker buries and completes nothing", async () => {
  const begun = createProbe<true>();
  const goOn = Promise.withResolvers<void>();
  const world = await open(
    contractJob("contract.work", async () => {
      begun.report(true);
      await goOn.promise;
      throw new PermanentJobError("too late");
    }),
    contractJob("contract.other", async () => begun.report(true)),
  );
  await world.runtime().start();
  await world.queue.enqueue("contract.work", 1);
  await begun.next();
  await world.pool.query(
    "update graphile_worker._private_jobs set locked_by = 'another', attempts = 2",
  );
  goOn.resolve();
  await world.queue.enqueue("contract.other", 1);
  await begun.next();
  await eventually("the other job is done", async () => (await world.pendingCount()) === 1);
  expect(await world.deadJobs()).toEqual([]);
});

test("an open transaction that holds a key delays only the job with that key", async () => {
  const runs = createProbe<JsonValue>();
  const job = contractJob("contract.work", async (payload, { attempt }) => {
    runs.report([payload, attempt]);
    if (attempt === 1 && payload !== "bystander") await new Promise(() => undefined);
  });
  const world = await open(job);
  const first = world.runtime({ concurrency: 2 });
  await first.start();
  await world.queue.enqueue("contract.work", "keyed", { jobKey: "k" });
  await world.queue.enqueue("contract.work", "plain");
  const begun = [await runs.next(), await runs.next()];
  expect(new Set(begun.map(String))).toEqual(new Set(["keyed,1", "plain,1"]));

  const goOn = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const enqueueing = world.transaction?.(async (tx) => {
    // The begun run freed its key. This enqueue locks the row of that run until the commit.
    await tx.jobs.enqueue("contract.work", "bystander", { jobKey: "k" });
    held.resolve();
    await goOn.promise;
  });
  await held.promise;
  await world.crash(first);
  await world.runtime().start();
  expect(await runs.next()).toEqual(["plain", 2]);
  goOn.resolve();
  await enqueueing;
  const rest = [await runs.next(), await runs.next()];
  expect(new Set(rest.map(String))).toEqual(new Set(["bystander,1", "keyed,2"]));
});

test("a claim that arrives after its worker was recovered locks its job for only a few seconds", async () => {
  const runs = createProbe<JsonValue>();
  const world = await open(contractJob("contract.work", async (payload) => runs.report(payload)));
  await world.runtime().start();
  // Twice, to test a later search as well as the first one.
  for (const payload of ["one", "two"]) {
    // In one transaction, so that no worker can claim the job first.
    await world.pool.query(
      `begin;
       select graphile_worker.add_job('contract.work', '"${payload}"');
       update graphile_worker._private_jobs
          set locked_by = 'orbit-long-gone', locked_at = now(), attempts = 1
        where locked_by is null;
       commit`,
    );
    const claimed = performance.now();
    expect(await runs.next()).toBe(payload);
    expect(performance.now() - claimed).toBeLessThan(10_000);
  }
});

test("two services on one database keep each other's missed ticks", async () => {
  const runs = createProbe<string>();
  const everyMinute = (name: "contract.work" | "contract.other") =>
    contractJob(name, async () => runs.report(name), {
      schedule: { cron: "* * * * *", payload: 0, backfill: 600_000 },
    });
  const world = await open(everyMinute("contract.work"));
  await world.missMinutes(4);
  // The first service is down, and the second one starts for the first time.
  const other = world.runtime({ definitions: [everyMinute("contract.other")] });
  await other.start();
  await other.stop();
  expect(runs.unread).not.toContain("contract.work");
  await world.runtime().start();
  for (let made = 0; made < 4; ) if ((await runs.next()) === "contract.work") made += 1;
});

test("a job that left its service and came back makes up no tick from between", async () => {
  const runs = createProbe<string>();
  const marker = contractJob("contract.other", async () => runs.report("marker"));
  const ticking = contractJob("contract.work", async () => runs.report("tick"), {
    schedule: { cron: "* * * * *", payload: 0, backfill: 600_000 },
  });
  const world = await open(ticking, marker);
  await world.missMinutes(4);
  const without = world.runtime({ definitions: [marker] });
  await without.start();
  await without.stop();
  const { rows } = await world.pool.query(
    "select from orbit_jobs.schedule_owners where identifier like 'contract.work %'",
  );
  expect(rows).toHaveLength(0);
  await world.runtime().start();
  await world.queue.enqueue("contract.other", 0);
  expect(await runs.next()).toBe("marker");
});

test("schedules of other programs on graphile-worker's tables are kept", async () => {
  const world = await open(contractJob("contract.work", async () => undefined));
  const foreign =
    "insert into graphile_worker._private_known_crontabs values ('mailer', '2020-01-01')";
  await world.pool.query(foreign);
  const runtime = world.runtime();
  await runtime.start();
  await runtime.stop();
  const { rows } = await world.pool.query(
    "select identifier from graphile_worker._private_known_crontabs where identifier = 'mailer'",
  );
  expect(rows).toHaveLength(1);
});

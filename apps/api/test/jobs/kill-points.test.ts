import type { Pool } from "pg";
import { describe, test, vi } from "vitest";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { type GraphileWorld, openGraphileWorld } from "../support/graphile-harness.ts";
import { openKillPoint, type Side } from "../support/kill-point.ts";
import { ledgerJob, readEffects } from "../support/ledger-job.ts";
import { startProcess } from "../support/process.ts";

// For the most part they wait for a death to be noticed.
vi.setConfig({ maxConcurrency: 4 });

const JOBS = ["one", "other", "third"];

/** What a worker says to the database, in the order in which it says it of a job. */
const CLAIM = "get_job";
const BEGIN = "The run was begun";
const EFFECT = "commit\0";
const COMPLETION = "complete_job";

/** Where a worker is killed that has three jobs to do, each with an effect behind the ledger. */
const points: readonly (readonly [title: string, marker: string, side: Side])[] = [
  ["before its claim is committed", CLAIM, "request"],
  ["after its claim was committed and before it knows", CLAIM, "answer"],
  ["while a handler runs, its effect written and not committed", EFFECT, "request"],
  ["after an effect was committed and before its handler knows", EFFECT, "answer"],
  ["after its handlers ended and before a completion arrives", COMPLETION, "request"],
  ["after a completion was committed and before it knows", COMPLETION, "answer"],
];

/** A worker that is killed there, and another that is left with its jobs. */
async function killedAt(
  world: GraphileWorld,
  [marker, side]: readonly [string, Side],
  enqueue: () => Promise<void>,
): Promise<void> {
  const point = await openKillPoint(world.url);
  const victim = startProcess("test/support/kill-worker.ts", { DATABASE_URL: point.url });
  try {
    await victim.waitFor(/started/);
    const reached = point.holdAt(marker, side);
    await enqueue();
    await reached;
    victim.kill("SIGKILL");
    await victim.exit;
  } finally {
    victim.kill("SIGKILL");
    await point.close();
  }
  await world.runtime().start();
}

/** The worker that is left is of this process; its handler's pool comes with the world. */
async function openWorld() {
  const pools = Promise.withResolvers<Pool>();
  const job = contractJob("contract.work", async (payload, context) => {
    await ledgerJob(await pools.promise).run(payload, context);
  });
  const world = await openGraphileWorld([job]);
  pools.resolve(world.pool);
  await readEffects(world.pool);
  return { world, effects: () => readEffects(world.pool) };
}

test("a worker that loses but the connection of a claim, which was committed, gets its jobs nonetheless", async ({
  expect,
  onTestFinished,
}) => {
  const { world, effects } = await openWorld();
  onTestFinished(() => world.close());
  const point = await openKillPoint(world.url);
  onTestFinished(() => point.close());
  const worker = startProcess("test/support/kill-worker.ts", { DATABASE_URL: point.url });
  onTestFinished(() => worker.kill("SIGKILL"));
  await worker.waitFor(/started/);
  const reached = point.holdAt(CLAIM, "answer");
  await world.queue.enqueueMany(
    JOBS.map((payload) => ({ name: "contract.work" as const, payload })),
  );
  await reached;
  point.breakHeld();
  await eventually("all is done", async () => (await world.pendingCount()) === 0);
  expect(await effects()).toEqual(JOBS.map((name) => JSON.stringify(name)));
});

describe.concurrent("a worker is killed", () => {
  test.for(points)(
    "%s: no job is lost, each effect is there once",
    async ([, marker, side], { expect, onTestFinished }) => {
      const { world, effects } = await openWorld();
      onTestFinished(() => world.close());
      const requests = JOBS.map((payload) => ({ name: "contract.work" as const, payload }));
      await killedAt(world, [marker, side], () => world.queue.enqueueMany(requests));
      await eventually("all is done", async () => (await world.pendingCount()) === 0);
      expect(await effects()).toEqual(JOBS.map((name) => JSON.stringify(name)));
      expect(await world.deadJobs()).toEqual([]);
    },
  );

  test("before a last attempt is on record: the attempt is made elsewhere", async ({
    expect,
    onTestFinished,
  }) => {
    const { world, effects } = await openWorld();
    onTestFinished(() => world.close());
    await killedAt(world, [BEGIN, "request"], () =>
      world.queue.enqueue("contract.work", "only", { maxAttempts: 1, jobKey: "k" }),
    );
    await eventually("it is done", async () => (await world.pendingCount()) === 0);
    expect(await effects()).toEqual(['"only"']);
    expect(await world.deadJobs()).toEqual([]);
  });

  test("after a last attempt ended and before its completion: it is dead, its effect there once", async ({
    expect,
    onTestFinished,
  }) => {
    const { world, effects } = await openWorld();
    onTestFinished(() => world.close());
    await killedAt(world, [COMPLETION, "request"], () =>
      world.queue.enqueue("contract.work", "only", { maxAttempts: 1 }),
    );
    await eventually("it is over", async () => (await world.pendingCount()) === 0);
    expect(await effects()).toEqual(['"only"']);
    expect(await world.deadJobs()).toMatchObject([
      { attempts: 1, lastError: "The worker died during this run." },
    ]);
  });
});

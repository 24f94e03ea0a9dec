import type { Pool } from "pg";
import { describe, test, vi } from "vitest";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { type GraphileWorld, openGraphileWorld } from "../support/graphile-harness.ts";
import { openKillPoint, type Side } from "../support/kill-point.ts";
import { ledgerJob, readEffects } from "../support/ledger-job.ts";
import { startProcess } from "../support/process.ts";

// These tests mostly wait for the recovery of a dead worker.
vi.setConfig({ maxConcurrency: 4 });

const JOBS = ["one", "other", "third"];

/** Texts in a worker's statements, in the order of one job. */
const CLAIM = "get_job";
const BEGIN = "The run was begun";
const EFFECT = "commit\0";
const COMPLETION = "complete_job";

/** Where the worker is killed. It has three jobs, each with an effect behind the ledger. */
const points: readonly (readonly [title: string, marker: string, side: Side])[] = [
  ["before its claim is committed", CLAIM, "request"],
  ["after its claim was committed and before its answer", CLAIM, "answer"],
  ["while a handler runs, before the commit of its effect", EFFECT, "request"],
  ["after the commit of an effect and before its answer", EFFECT, "answer"],
  ["after its handlers ended and before their completion arrives", COMPLETION, "request"],
  ["after a completion was committed and before its answer", COMPLETION, "answer"],
];

/** Kills a worker at this point, and starts another one. */
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

/** The other worker runs in this process. Its handler needs the pool of the world, which comes later. */
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

test("a worker that loses only the connection of a committed claim still runs the jobs", async ({
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
  await eventually("all jobs are done", async () => (await world.pendingCount()) === 0);
  expect(await effects()).toEqual(JOBS.map((name) => JSON.stringify(name)));
});

describe.concurrent("a worker is killed", () => {
  test.for(points)(
    "%s: no job is lost, and each effect happens once",
    async ([, marker, side], { expect, onTestFinished }) => {
      const { world, effects } = await openWorld();
      onTestFinished(() => world.close());
      const requests = JOBS.map((payload) => ({ name: "contract.work" as const, payload }));
      await killedAt(world, [marker, side], () => world.queue.enqueueMany(requests));
      await eventually("all jobs are done", async () => (await world.pendingCount()) === 0);
      expect(await effects()).toEqual(JOBS.map((name) => JSON.stringify(name)));
      expect(await world.deadJobs()).toEqual([]);
    },
  );

  test("before the begin of a last attempt is recorded: the attempt runs elsewhere", async ({
    expect,
    onTestFinished,
  }) => {
    const { world, effects } = await openWorld();
    onTestFinished(() => world.close());
    await killedAt(world, [BEGIN, "request"], () =>
      world.queue.enqueue("contract.work", "only", { maxAttempts: 1, jobKey: "k" }),
    );
    await eventually("the job is done", async () => (await world.pendingCount()) === 0);
    expect(await effects()).toEqual(['"only"']);
    expect(await world.deadJobs()).toEqual([]);
  });

  test("after a last attempt ended and before its completion: the job is dead, and its effect happened once", async ({
    expect,
    onTestFinished,
  }) => {
    const { world, effects } = await openWorld();
    onTestFinished(() => world.close());
    await killedAt(world, [COMPLETION, "request"], () =>
      world.queue.enqueue("contract.work", "only", { maxAttempts: 1 }),
    );
    await eventually("the job is dead", async () => (await world.pendingCount()) === 0);
    expect(await effects()).toEqual(['"only"']);
    expect(await world.deadJobs()).toMatchObject([
      { attempts: 1, lastError: "The worker died during this run." },
    ]);
  });
});

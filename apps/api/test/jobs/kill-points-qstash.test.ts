import { describe, type TestContext, test, vi } from "vitest";
import { type Held, openKillWorld } from "../support/kill-qstash-world.ts";

vi.setConfig({ maxConcurrency: 4 });

type KillWorld = Awaited<ReturnType<typeof openKillWorld>>;

/** A world that is closed at the end of the test. */
async function open({ onTestFinished }: Pick<TestContext, "onTestFinished">) {
  const world = await openKillWorld();
  onTestFinished(() => world.close());
  return world;
}

const PUBLISH = "/v2/publish";
const COMMIT = "commit\0";

const runs: readonly (readonly [title: string, held: Held])[] = [
  ["while its handler runs", ["database", COMMIT, "request"]],
  ["after the effect was committed and before its handler knows", ["database", COMMIT, "answer"]],
  ["after its answer, which is lost", ["webhook", "/v1/jobs/run/contract.work", "answer"]],
];

describe.concurrent("an instance is killed", () => {
  test.for(runs)(
    "%s: the job is done elsewhere, its effect there once",
    async ([, held], { expect, onTestFinished }) => {
      const world = await open({ onTestFinished });
      await world.killAt("serve", held, () => world.queue.enqueue("contract.work", "effect"));
      await world.serve();
      await world.allIsDone();
      expect(await world.effects()).toEqual(['"effect"']);
      expect(world.created).toHaveLength(1);
    },
  );
});

/** What was enqueued comes to its end, as one job. */
async function isOneJob(world: KillWorld): Promise<readonly string[]> {
  await world.serve();
  await world.allIsDone();
  return world.effects();
}

describe.concurrent("who enqueues is killed", () => {
  test("before QStash hears of it: nothing was enqueued, and nothing is left", async ({
    expect,
    onTestFinished,
  }) => {
    const world = await open({ onTestFinished });
    await world.killAt("enqueue", ["qstash", PUBLISH, "request"]);
    expect(world.created).toEqual([]);
  });

  test("before it has QStash's answer: the job is there", async ({ expect, onTestFinished }) => {
    const world = await open({ onTestFinished });
    await world.killAt("enqueue", ["qstash", PUBLISH, "answer"]);
    expect(await isOneJob(world)).toEqual(['"killed"']);
    expect(world.created).toHaveLength(1);
  });

  test("with its key taken and before QStash hears of it: the next with the key makes the job", async ({
    expect,
    onTestFinished,
  }) => {
    const world = await open({ onTestFinished });
    await world.killAt("enqueue-keyed", ["qstash", PUBLISH, "request"]);
    await world.queue.enqueue("contract.work", "next", { jobKey: "k" });
    await world.queue.enqueue("contract.work", "absorbed", { jobKey: "k" });
    expect(await isOneJob(world)).toEqual(['"next"']);
    expect(world.created).toHaveLength(1);
  });

  test("with its key taken and before it has QStash's answer: the next with the key is absorbed", async ({
    expect,
    onTestFinished,
  }) => {
    const world = await open({ onTestFinished });
    await world.killAt("enqueue-keyed", ["qstash", PUBLISH, "answer"]);
    await world.queue.enqueue("contract.work", "absorbed", { jobKey: "k" });
    expect(await isOneJob(world)).toEqual(['"killed"']);
    expect(world.created).toHaveLength(1);
  });
});

/** Between the commit of a transaction that enqueues and the end of the job's publication. */
const outbox: readonly (readonly [title: string, held: Held])[] = [
  ["before it knows of the commit", ["database", COMMIT, "answer"]],
  ["before it claims the job", ["database", "update orbit_jobs.job_outbox", "request"]],
  ["with the job claimed, before QStash hears of it", ["qstash", PUBLISH, "request"]],
  ["before it has QStash's answer", ["qstash", PUBLISH, "answer"]],
  ["before the job leaves the outbox", ["database", "delete from orbit_jobs.job", "request"]],
];

describe.concurrent("who enqueues in a transaction is killed", () => {
  test("before the commit: neither the effect nor the job ever was", async ({
    expect,
    onTestFinished,
  }) => {
    const world = await open({ onTestFinished });
    await world.killAt("transact", ["database", COMMIT, "request"]);
    expect(await world.effects()).toEqual([]);
    const { rows } = await world.pool.query("select from orbit_jobs.job_outbox");
    expect(rows).toEqual([]);
    expect(world.created).toEqual([]);
  });

  test.for(outbox)(
    "%s: jobs.publish-outbox publishes it, once",
    async ([, held], { expect, onTestFinished }) => {
      const world = await open({ onTestFinished });
      await world.killAt("transact", held);
      // Whose schedule is QStash's; there is no process that sweeps.
      await world.serve();
      await world.elapse();
      await world.allIsDone();
      expect(await world.effects()).toEqual(['"of a job"', "of the transaction"]);
      expect(world.created).toHaveLength(1);
    },
  );

  test("after the commit: an instance that sweeps publishes it by itself", async ({
    expect,
    onTestFinished,
  }) => {
    const world = await open({ onTestFinished });
    await world.killAt("transact", ["database", "update orbit_jobs.job_outbox", "request"]);
    await world.serve({ sweeps: true });
    await expect.poll(() => world.created.length, { timeout: 15_000 }).toBe(1);
    await world.allIsDone();
    expect(await world.effects()).toEqual(['"of a job"', "of the transaction"]);
  });
});

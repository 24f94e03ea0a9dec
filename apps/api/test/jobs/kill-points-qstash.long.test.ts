import { describe, type TestContext, test, vi } from "vitest";
import { type Held, openKillWorld } from "../support/kill-qstash-world.ts";

vi.setConfig({ maxConcurrency: 4 });

type KillWorld = Awaited<ReturnType<typeof openKillWorld>>;

/** Opens a world and closes it at the end of the test. */
async function open({ onTestFinished }: Pick<TestContext, "onTestFinished">) {
  const world = await openKillWorld();
  onTestFinished(() => world.close());
  return world;
}

const PUBLISH = "/v2/publish";
const COMMIT = "commit\0";

const runs: readonly (readonly [title: string, held: Held])[] = [
  ["while its handler runs", ["database", COMMIT, "request"]],
  ["after the commit of the effect, before its handler knows", ["database", COMMIT, "answer"]],
  [
    "after it has answered, and the answer is lost",
    ["webhook", "/v1/jobs/run/contract.work", "answer"],
  ],
];

describe.concurrent("an instance is killed", () => {
  test.for(runs)(
    "%s: another instance does the job, and its effect happens once",
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

/** Lets the enqueued job end. Returns its effects. */
async function effectsOfJob(world: KillWorld): Promise<readonly string[]> {
  await world.serve();
  await world.allIsDone();
  return world.effects();
}

describe.concurrent("an enqueuing process is killed", () => {
  test("before its request reaches QStash: nothing is enqueued", async ({
    expect,
    onTestFinished,
  }) => {
    const world = await open({ onTestFinished });
    await world.killAt("enqueue", ["qstash", PUBLISH, "request"]);
    expect(world.created).toEqual([]);
  });

  test("before it gets QStash's answer: the job is enqueued", async ({
    expect,
    onTestFinished,
  }) => {
    const world = await open({ onTestFinished });
    await world.killAt("enqueue", ["qstash", PUBLISH, "answer"]);
    expect(await effectsOfJob(world)).toEqual(['"killed"']);
    expect(world.created).toHaveLength(1);
  });

  test("with its key taken, before its request reaches QStash: the next enqueue with the key makes the job", async ({
    expect,
    onTestFinished,
  }) => {
    const world = await open({ onTestFinished });
    await world.killAt("enqueue-keyed", ["qstash", PUBLISH, "request"]);
    await world.queue.enqueue("contract.work", "next", { jobKey: "k" });
    await world.queue.enqueue("contract.work", "absorbed", { jobKey: "k" });
    expect(await effectsOfJob(world)).toEqual(['"next"']);
    expect(world.created).toHaveLength(1);
  });

  test("with its key taken, before it gets QStash's answer: the next enqueue with the key is absorbed", async ({
    expect,
    onTestFinished,
  }) => {
    const world = await open({ onTestFinished });
    await world.killAt("enqueue-keyed", ["qstash", PUBLISH, "answer"]);
    await world.queue.enqueue("contract.work", "absorbed", { jobKey: "k" });
    expect(await effectsOfJob(world)).toEqual(['"killed"']);
    expect(world.created).toHaveLength(1);
  });
});

/** Points between the commit of a transaction and the end of its job's publication. */
const outbox: readonly (readonly [title: string, held: Held])[] = [
  ["before it knows of the commit", ["database", COMMIT, "answer"]],
  ["before it claims the job", ["database", "update orbit_jobs.job_outbox", "request"]],
  ["with the job claimed, before its request reaches QStash", ["qstash", PUBLISH, "request"]],
  ["before it gets QStash's answer", ["qstash", PUBLISH, "answer"]],
  ["before the job leaves the outbox", ["database", "delete from orbit_jobs.job", "request"]],
];

describe.concurrent("a process that enqueues in a transaction is killed", () => {
  test("before the commit: neither the effect nor the job exists", async ({
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
    "%s: jobs.publish-outbox publishes the job once",
    async ([, held], { expect, onTestFinished }) => {
      const world = await open({ onTestFinished });
      await world.killAt("transact", held);
      // QStash ticks the schedule of jobs.publish-outbox. No process sweeps.
      await world.serve();
      await world.elapse();
      await world.allIsDone();
      expect(await world.effects()).toEqual(['"of a job"', "of the transaction"]);
      expect(world.created).toHaveLength(1);
    },
  );

  test.for(outbox)(
    "%s: a running instance publishes the job within a few seconds",
    async ([, held], { expect, onTestFinished }) => {
      const world = await open({ onTestFinished });
      await world.serve({ sweeps: true });
      await world.killAt("transact", held);
      const killedAt = performance.now();
      await world.outboxIsEmpty();
      expect(performance.now() - killedAt).toBeLessThan(8_000);
      await world.allIsDone();
      expect(await world.effects()).toEqual(['"of a job"', "of the transaction"]);
      expect(world.created).toHaveLength(1);
    },
  );
});

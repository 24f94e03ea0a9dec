import { expect, onTestFinished, test } from "vitest";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { JsonValue } from "#src/jobs/application/job-types.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { openQStashWorld } from "../support/qstash-harness.ts";

const DAY_SECONDS = 86_400;

async function open(job: JobDefinition, options: Parameters<typeof openQStashWorld>[1] = {}) {
  const world = await openQStashWorld([job], options);
  onTestFinished(() => world.close());
  return world;
}

const created = (log: readonly string[]) => log.filter((line) => line.startsWith("CREATED"));

test("a plan with three retries makes twelve attempts, each after its back-off", async () => {
  const attempts = createProbe<number>();
  const job = contractJob("contract.work", async (_payload, { attempt }) => {
    attempts.report(attempt);
    throw new Error("fails");
  });
  const world = await open(job, { strict: true, plan: "free" });
  await world.runtime().start();
  await world.queue.enqueue("contract.work", 1, { maxAttempts: 12, jobKey: "k" });
  for (let attempt = 1; attempt <= 12; attempt++) {
    expect(await attempts.next()).toBe(attempt);
    if (attempt === 12) break;
    await eventually("it waits", async () => (await world.waitingAfter(attempt)) === 1);
    // The key stays taken in all messages of the job.
    await world.queue.enqueue("contract.work", 2, { jobKey: "k" });
    await world.elapse(Math.ceil(Math.exp(Math.min(attempt, 10))));
  }
  await eventually("it is dead", async () => (await world.deadJobs()).length === 1);
  expect(await world.deadJobs()).toMatchObject([{ attempts: 12, lastError: "fails" }]);
  expect(created(world.log)).toHaveLength(4);
  expect(attempts.unread).toEqual([]);
});

test("a run that a crash cut off starts again within five seconds three times, then later", async () => {
  const attempts = createProbe<number>();
  const job = contractJob("contract.work", async (_payload, { attempt }) => {
    attempts.report(attempt);
    if (attempt < 5) await new Promise(() => undefined);
  });
  const world = await open(job);
  let instance = world.runtime();
  await instance.start();
  await world.queue.enqueue("contract.work", 1);
  const pauses: number[] = [];
  for (let attempt = 1; attempt <= 5; attempt++) {
    const before = world.now();
    if (attempt > 1) await world.elapse(2.5);
    expect(await attempts.next()).toBe(attempt);
    pauses.push((world.now().getTime() - before.getTime()) / 1_000);
    if (attempt === 5) break;
    const killed = instance;
    instance = world.runtime();
    await instance.start();
    world.kill(killed);
    await eventually("it waits", async () => (await world.waitingAfter(attempt)) === 1);
  }
  const [, second, third, fourth, fifth] = pauses;
  for (const pause of [second, third, fourth]) expect(pause).toBeLessThan(5);
  expect(fifth).toBeGreaterThan(7);
});

test("a plan that delays for one week runs a job in three weeks", async () => {
  const runs = createProbe<JsonValue>();
  const job = contractJob("contract.work", async (payload, { jobId, attempt }) =>
    runs.report([payload, jobId, attempt]),
  );
  const world = await open(job, { strict: true, plan: "free" });
  await world.runtime().start();
  const runAt = new Date(Date.now() + 21 * DAY_SECONDS * 1_000);
  await world.queue.enqueue("contract.work", "later", { runAt });
  const ids = new Set(created(world.log).map((line) => /id=([^&]+)/.exec(line)?.[1]));
  for (let week = 1; week <= 3; week++) {
    expect(runs.unread).toEqual([]);
    await world.elapse(7 * DAY_SECONDS - 3_600);
    await eventually("it is handed on", async () => created(world.log).length === week + 1);
  }
  expect(runs.unread).toEqual([]);
  await world.elapse(3 * 3_600);
  expect(await runs.next()).toEqual(["later", [...ids][0], 1]);
});

test("after its first run a scheduled job gets all its attempts, however old its tick is", async () => {
  // In an hour, and then not for a day.
  const tick = new Date(Date.now() + 3_600_000);
  const cron = `${tick.getUTCMinutes()} ${tick.getUTCHours()} * * *`;
  const attempts = createProbe<number>();
  const job = contractJob(
    "contract.work",
    async (_payload, { attempt }) => {
      attempts.report(attempt);
      if (attempt <= 3) throw new Error("not yet");
    },
    { schedule: { cron, payload: 0, backfill: 60_000 } },
  );
  const world = await open(job);
  const first = world.runtime();
  await first.start();
  await world.elapse(3_600);
  for (const attempt of [1, 2, 3]) {
    expect(await attempts.next()).toBe(attempt);
    await eventually("it waits", async () => (await world.waitingAfter(attempt)) === 1);
    if (attempt < 3) await world.elapse(Math.ceil(Math.exp(attempt)));
  }
  // The fourth attempt is another message, which finds no instance for longer than the backfill.
  world.kill(first);
  const retries = () => world.log.filter((line) => line.startsWith("RETRY")).length;
  const before = retries();
  await world.elapse(60);
  await eventually("it found no instance", async () => retries() > before);
  await world.elapse(60);
  await world.runtime().start();
  expect(await attempts.next()).toBeGreaterThan(3);
});

test("another instance takes the job of a dead one within seconds", async () => {
  const runs = createProbe<number>();
  const job = contractJob("contract.work", async (_payload, { attempt }) => {
    runs.report(attempt);
    if (attempt === 1) await new Promise(() => undefined);
  });
  const world = await open(job);
  const first = world.runtime();
  await first.start();
  await world.queue.enqueue("contract.work", 1);
  expect(await runs.next()).toBe(1);
  world.kill(first);
  // A start of an instance lets five seconds pass, and no more.
  await world.runtime().start();
  expect(await runs.next()).toBe(2);
});

test("a job is dead without another run if its instance died during the last attempt", async () => {
  const runs = createProbe<number>();
  const job = contractJob(
    "contract.work",
    async (_payload, { attempt }) => {
      runs.report(attempt);
      await new Promise(() => undefined);
    },
    { maxAttempts: 1, timeout: 60_000 },
  );
  const world = await open(job);
  const first = world.runtime();
  await first.start();
  await world.queue.enqueue("contract.work", 1);
  expect(await runs.next()).toBe(1);
  world.kill(first);
  await world.runtime().start();
  await eventually(
    "the retries wait for the timeout",
    async () => world.log.filter((line) => line.startsWith("RETRY")).length >= 2,
  );
  await world.pool.query(
    "update orbit_jobs.qstash_messages set touched_at = now() - interval '2 minutes'",
  );
  await world.elapse(120);
  await eventually("it is dead", async () => (await world.deadJobs()).length === 1);
  expect(await world.deadJobs()).toMatchObject([{ attempts: 1, lastError: /cut off/ }]);
  expect(runs.unread).toEqual([]);
});

test("a delivery that finds no instance does not use up the only attempt", async () => {
  const runs = createProbe<number>();
  const job = contractJob("contract.work", async (_payload, { attempt }) => runs.report(attempt), {
    maxAttempts: 1,
  });
  const world = await open(job);
  const first = world.runtime();
  await first.start();
  world.kill(first);
  await world.queue.enqueue("contract.work", 1);
  await eventually("it was tried", async () => world.log.some((line) => line.startsWith("RETRY")));
  await world.runtime().start();
  expect(await runs.next()).toBe(1);
});

test("after a lost answer a dead job stays dead and a finished last attempt stays finished", async () => {
  const runs = createProbe<JsonValue>();
  const job = contractJob("contract.work", async (payload) => {
    runs.report(payload);
    if (payload === "bad") throw new Error("fails");
  });
  const world = await open(job);
  await world.runtime().start();
  for (const payload of ["good", "bad"]) {
    world.loseAnswers(1);
    await world.queue.enqueue("contract.work", payload, { maxAttempts: 1 });
    expect(await runs.next()).toBe(payload);
    await eventually("it is to be delivered again", async () => (await world.waitingAfter(1)) > 0);
    await world.elapse(10);
    await eventually("QStash has an answer", async () => (await world.pendingCount()) === 0);
  }
  expect(runs.unread).toEqual([]);
  expect(await world.deadJobs()).toMatchObject([{ attempts: 1, lastError: "fails" }]);
});

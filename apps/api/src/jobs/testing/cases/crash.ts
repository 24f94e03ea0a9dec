import assert from "node:assert/strict";
import type { JsonValue } from "../../application/job-types.ts";
import { inWorld, untilFailed, untilSettled, work } from "../case-steps.ts";
import type { ContractCase, ContractWorld } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe, eventually } from "../probe.ts";

/** Lets time pass until the next run is reported. */
async function untilReported(world: ContractWorld, unread: () => number): Promise<void> {
  await eventually("the job runs elsewhere", async () => {
    await world.elapse(10);
    return unread() > 0;
  });
}

const never = () => new Promise<never>(() => undefined);

export const crashCases: readonly ContractCase[] = [
  {
    title: "a run cut off by a crash is repeated elsewhere and counts as an attempt",
    needs: ["crash"],
    async run(harness) {
      const attempts = createProbe<number>();
      const job = contractJob("contract.work", async (_payload, { attempt }) => {
        attempts.report(attempt);
        if (attempt < 3) await never();
      });
      await inWorld(harness, [job], async (world) => {
        await world.queue.enqueue("contract.work", 1);
        for (const attempt of [1, 2, 3]) {
          const runtime = await work(world);
          if (attempt > 1) await untilReported(world, () => attempts.unread.length);
          assert.equal(await attempts.next(), attempt);
          if (attempt < 3) await world.crash(runtime);
        }
        await untilSettled(world);
      });
    },
  },
  {
    title: "a job that crashes its worker every time is dead after maxAttempts, with a reason",
    needs: ["crash"],
    async run(harness) {
      const attempts = createProbe<number>();
      const job = contractJob(
        "contract.work",
        async (_payload, { attempt }) => {
          attempts.report(attempt);
          await never();
        },
        // A provider may wait for this long before it calls the last attempt dead.
        { timeout: 60_000 },
      );
      await inWorld(harness, [job], async (world) => {
        await world.queue.enqueue("contract.work", 1, { maxAttempts: 2 });
        for (const attempt of [1, 2]) {
          const runtime = await work(world);
          if (attempt > 1) await untilReported(world, () => attempts.unread.length);
          assert.equal(await attempts.next(), attempt);
          await world.crash(runtime);
        }
        await work(world);
        await eventually("the job is dead", async () => {
          await world.elapse(30);
          return (await world.deadJobs()).length === 1;
        });
        const [dead] = await world.deadJobs();
        assert.equal(dead?.attempts, 2);
        assert.match(dead.lastError, /died|cut off/);
        assert.equal(attempts.unread.length, 0);
      });
    },
  },
  {
    title: "a job that a crashed worker had not begun is not lost and loses no attempt",
    needs: ["crash"],
    async run(harness) {
      const runs = createProbe<{ payload: JsonValue; attempt: number }>();
      const job = contractJob("contract.work", async (payload, { attempt }) => {
        runs.report({ payload, attempt });
        if (payload === "hangs" && attempt === 1) await never();
      });
      await inWorld(harness, [job], async (world) => {
        await world.queue.enqueue("contract.work", "hangs");
        const runtime = await work(world, { concurrency: 1 });
        assert.deepEqual(await runs.next(), { payload: "hangs", attempt: 1 });
        await world.queue.enqueue("contract.work", "waits", { maxAttempts: 1 });
        await world.crash(runtime);
        await work(world);
        const seen = new Map<JsonValue, number>();
        while (seen.size < 2) {
          await untilReported(world, () => runs.unread.length);
          const { payload, attempt } = await runs.next();
          seen.set(payload, attempt);
        }
        assert.deepEqual(
          seen,
          new Map([
            ["waits", 1],
            ["hangs", 2],
          ]),
        );
      });
    },
  },
  {
    title: "a keyed job whose run crashed runs again once",
    needs: ["crash", "jobKey"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload, { attempt }) => {
        runs.report([payload, attempt]);
        if (attempt === 1) await never();
      });
      await inWorld(harness, [job], async (world) => {
        const runtime = await work(world);
        await world.queue.enqueue("contract.work", "first", { jobKey: "k" });
        assert.deepEqual(await runs.next(), ["first", 1]);
        await world.crash(runtime);
        await work(world);
        await untilReported(world, () => runs.unread.length);
        assert.deepEqual(await runs.next(), ["first", 2]);
        await untilSettled(world);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "waiting, failed and running jobs outlive every process",
    needs: ["durable", "crash"],
    async run(harness) {
      const runs = createProbe<readonly [payload: string, attempt: number]>();
      const job = contractJob("contract.work", async (payload, { attempt }) => {
        runs.report([JSON.stringify(payload), attempt]);
        if (payload === "fails" && attempt === 1) throw new Error("fails once");
        if (payload === "hangs" && attempt === 1) await new Promise(() => undefined);
      });
      await inWorld(harness, [job], async (world) => {
        const before = world.queueOf([job]);
        const [stopped, crashed] = [await work(world), await work(world)];
        await before.enqueue("contract.work", "fails");
        assert.deepEqual(await runs.next(), ['"fails"', 1]);
        await untilFailed(world, 1);
        const runAt = new Date(Date.now() + 3_600_000);
        await before.enqueue("contract.work", "later", { runAt });
        await stopped.stop();
        await before.enqueue("contract.work", "hangs");
        assert.deepEqual(await runs.next(), ['"hangs"', 1]);
        await world.crash(crashed);
        await before.enqueue("contract.work", "waits");

        await world.queueOf([job]).enqueue("contract.work", "new");
        await work(world);
        await eventually("every job is done", async () => {
          await world.elapse(600);
          return (await world.pendingCount()) === 0;
        });
        assert.deepEqual(Object.fromEntries(runs.unread), {
          '"fails"': 2,
          '"later"': 1,
          '"hangs"': 2,
          '"waits"': 1,
          '"new"': 1,
        });
        assert.equal(runs.unread.length, 5);
        assert.deepEqual(await world.deadJobs(), []);
      });
    },
  },
];

import assert from "node:assert/strict";
import type { ContractCase, ContractWorld } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { inWorld, work } from "../in-world.ts";
import { createProbe, eventually } from "../probe.ts";
import { allAreOver, failureIsStored, LONG_SECONDS } from "../waits.ts";

/** The contract's longest pause, with what rounding up to whole seconds adds. */
const LONGEST_PAUSE_SECONDS = Math.ceil(Math.exp(10)) + 1;

/** Seconds that are left for what passes by itself while a case runs. */
const MARGIN_SECONDS = 60;

async function letPauseGoBy(world: ContractWorld, attempt: number): Promise<void> {
  await failureIsStored(world, attempt);
  await world.elapse(LONGEST_PAUSE_SECONDS);
}

export const retryLimitCases: readonly ContractCase[] = [
  {
    title: "fifteen attempts are fifteen runs, above any plan's retry limit",
    async run(harness) {
      const attempts = createProbe<readonly [number, number]>();
      const job = contractJob("contract.work", async (_payload, { attempt, maxAttempts }) => {
        attempts.report([attempt, maxAttempts]);
        throw new Error(`failure ${attempt}`);
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1, { maxAttempts: 15 });
        for (let attempt = 1; attempt <= 15; attempt++) {
          assert.deepEqual(await attempts.next(), [attempt, 15]);
          if (attempt < 15) await letPauseGoBy(world, attempt);
        }
        await eventually("it is dead", async () => (await world.deadJobs()).length === 1);
        const [dead] = await world.deadJobs();
        assert.deepEqual([dead?.attempts, dead?.lastError], [15, "failure 15"]);
        await world.elapse(LONGEST_PAUSE_SECONDS);
        await allAreOver(world);
        assert.equal(attempts.unread.length, 0);
      });
    },
  },
  {
    title: "from the tenth failure on, the back-off is exp(10) seconds",
    async run(harness) {
      const runs = createProbe<string>();
      const failing = contractJob("contract.work", async (_payload, { attempt }) => {
        runs.report(`attempt ${attempt}`);
        throw new Error("fails");
      });
      const marker = contractJob("contract.other", async () => runs.report("marker"));
      await inWorld(harness, [failing, marker], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1, { maxAttempts: 13 });
        for (let attempt = 1; attempt < 10; attempt++) {
          assert.equal(await runs.next(), `attempt ${attempt}`);
          await letPauseGoBy(world, attempt);
        }
        assert.equal(await runs.next(), "attempt 10");
        for (const attempt of [10, 11, 12]) {
          await failureIsStored(world, attempt);
          await world.elapse(LONGEST_PAUSE_SECONDS - MARGIN_SECONDS);
          await world.queue.enqueue("contract.other", 1);
          assert.equal(await runs.next(), "marker");
          assert.equal(runs.unread.length, 0);
          await world.elapse(MARGIN_SECONDS);
          assert.equal(await runs.next(), `attempt ${attempt + 1}`);
        }
      });
    },
  },
  {
    title: "a job with one attempt is dead at its first failure, with its error",
    async run(harness) {
      const runs = createProbe<string>();
      const job = contractJob(
        "contract.work",
        async (_payload, { attempt, maxAttempts }) => {
          runs.report(`${attempt} of ${maxAttempts}`);
          throw new Error("the only failure");
        },
        { maxAttempts: 1 },
      );
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1);
        assert.equal(await runs.next(), "1 of 1");
        await eventually("it is dead", async () => (await world.deadJobs()).length === 1);
        const [dead] = await world.deadJobs();
        assert.deepEqual([dead?.attempts, dead?.lastError], [1, "the only failure"]);
        await world.elapse(LONG_SECONDS);
        await allAreOver(world);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
];

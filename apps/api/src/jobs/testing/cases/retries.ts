import assert from "node:assert/strict";
import {
  inWorld,
  LONG_SECONDS,
  skipBackOff,
  untilDead,
  untilFailed,
  untilSettled,
  work,
} from "../case-steps.ts";
import type { ContractCase, ContractWorld } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe, eventually } from "../probe.ts";

/** The longest back-off, rounded up to whole seconds, and one more. */
const LONGEST_BACK_OFF_SECONDS = Math.ceil(Math.exp(10)) + 1;

/** Allows for real time that passes while a case runs. */
const MARGIN_SECONDS = 60;

async function skipLongestBackOff(world: ContractWorld, attempt: number): Promise<void> {
  await untilFailed(world, attempt);
  await world.elapse(LONGEST_BACK_OFF_SECONDS);
}

export const retryCases: readonly ContractCase[] = [
  {
    title: "a failed job is retried until it succeeds, and each run gets its attempt number",
    async run(harness) {
      const attempts = createProbe<number>();
      const job = contractJob("contract.work", async (_payload, { attempt }) => {
        attempts.report(attempt);
        if (attempt < 3) throw new Error("not yet");
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1);
        for (const attempt of [1, 2, 3]) {
          assert.equal(await attempts.next(), attempt);
          if (attempt < 3) await skipBackOff(world, attempt);
        }
        await untilSettled(world);
        assert.deepEqual(await world.deadJobs(), []);
      });
    },
  },
  {
    title: "after failed attempt n the next run starts no sooner than exp(n) seconds later",
    async run(harness) {
      const runs = createProbe<string>();
      const failing = contractJob("contract.work", async (_payload, { attempt }) => {
        runs.report(`attempt ${attempt}`);
        throw new Error("fails");
      });
      const marker = contractJob("contract.other", async () => runs.report("marker"));
      await inWorld(harness, [failing, marker], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1);
        assert.equal(await runs.next(), "attempt 1");
        for (const attempt of [1, 2, 3]) {
          await untilFailed(world, attempt);
          // One second less, since real time passes too.
          await world.elapse(Math.exp(attempt) - 1);
          await world.queue.enqueue("contract.other", 1);
          assert.equal(await runs.next(), "marker");
          await world.elapse(1);
          assert.equal(await runs.next(), `attempt ${attempt + 1}`);
        }
      });
    },
  },
  {
    title: "a job is dead after maxAttempts of the enqueue, else of the definition",
    async run(harness) {
      const attempts = createProbe<number>();
      const job = contractJob(
        "contract.work",
        async (_payload, { attempt, maxAttempts }) => {
          attempts.report(maxAttempts);
          throw new Error(`failure ${attempt}`);
        },
        { maxAttempts: 3 },
      );
      await inWorld(harness, [job], async (world) => {
        await work(world);
        for (const [options, expected] of [
          [{}, 3],
          [{ maxAttempts: 1 }, 1],
          [{ maxAttempts: 2 }, 2],
        ] as const) {
          const before = (await world.deadJobs()).length;
          await world.queue.enqueue("contract.work", expected, options);
          for (let run = 1; run <= expected; run++) {
            assert.equal(await attempts.next(), expected);
            if (run < expected) await skipBackOff(world, run);
          }
          await eventually("the job is dead", async () => (await world.deadJobs()).length > before);
          await world.elapse(LONG_SECONDS);
        }
        assert.deepEqual(
          (await world.deadJobs()).map(({ attempts: count, lastError }) => [count, lastError]),
          [
            [3, "failure 3"],
            [1, "failure 1"],
            [2, "failure 2"],
          ],
        );
        assert.equal(attempts.unread.length, 0);
      });
    },
  },
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
          if (attempt < 15) await skipLongestBackOff(world, attempt);
        }
        await untilDead(world, 1);
        const [dead] = await world.deadJobs();
        assert.deepEqual([dead?.attempts, dead?.lastError], [15, "failure 15"]);
        await world.elapse(LONGEST_BACK_OFF_SECONDS);
        await untilSettled(world);
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
          await skipLongestBackOff(world, attempt);
        }
        assert.equal(await runs.next(), "attempt 10");
        for (const attempt of [10, 11, 12]) {
          await untilFailed(world, attempt);
          await world.elapse(LONGEST_BACK_OFF_SECONDS - MARGIN_SECONDS);
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
        await untilDead(world, 1);
        const [dead] = await world.deadJobs();
        assert.deepEqual([dead?.attempts, dead?.lastError], [1, "the only failure"]);
        await world.elapse(LONG_SECONDS);
        await untilSettled(world);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
];

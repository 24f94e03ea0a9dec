import assert from "node:assert/strict";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { inWorld, work } from "../in-world.ts";
import { createProbe, eventually } from "../probe.ts";
import { failureIsStored, LONG_SECONDS, waitsForRetry } from "../waits.ts";

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
          if (attempt < 3) await waitsForRetry(world, attempt);
        }
        await eventually("the job is done", async () => (await world.pendingCount()) === 0);
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
          await failureIsStored(world, attempt);
          // A second is left for what passes by itself.
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
            if (run < expected) await waitsForRetry(world, run);
          }
          await eventually("it is dead", async () => (await world.deadJobs()).length > before);
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
];

import assert from "node:assert/strict";
import type { JsonValue } from "../../application/json.ts";
import { InvalidPayloadError, PermanentJobError } from "../../application/job-errors.ts";
import type { ContractCase, ContractWorld } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { inWorld, whenAborted, work } from "../in-world.ts";
import { createProbe, eventually } from "../probe.ts";

/** Longer than any pause between attempts that the cases come to. */
const LONG_SECONDS = 1_000;

export const retryCases: readonly ContractCase[] = [
  {
    title: "a failed job is tried again until it succeeds, and each run knows its number",
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
    title: "maxAttempts of the enqueue, else of the definition, is honoured; then the job is dead",
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
  {
    title: "an error whose message no database can store fails its own attempt and nothing else",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const end = Promise.withResolvers<void>();
      const job = contractJob("contract.work", async (payload) => {
        runs.report(payload);
        if (payload === "bystander") return end.promise;
        throw new Error(`Unexpected token '\u0000', half a pair \uD83C ${"x".repeat(1_000_000)}`);
      });
      await inWorld(harness, [job], async (world) => {
        await work(world, { concurrency: 2 });
        await world.queue.enqueue("contract.work", "bystander", { maxAttempts: 1 });
        assert.equal(await runs.next(), "bystander");
        await world.queue.enqueue("contract.work", "poison", { maxAttempts: 2 });
        assert.equal(await runs.next(), "poison");
        await waitsForRetry(world, 1);
        assert.equal(await runs.next(), "poison");
        await eventually("it is dead", async () => (await world.deadJobs()).length === 1);
        end.resolve();
        await eventually("all is done", async () => (await world.pendingCount()) === 0);
        const [dead, ...others] = await world.deadJobs();
        assert.match(dead?.lastError ?? "", /Unexpected token/);
        assert.deepEqual(others, []);
      });
    },
  },
  {
    title: "a handler whose own enqueue is refused has failed, and is tried again",
    async run(harness) {
      const attempts = createProbe<number>();
      const job = contractJob("contract.work", async (_payload, { attempt }) => {
        attempts.report(attempt);
        if (attempt === 1) throw new InvalidPayloadError("contract.other", []);
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1);
        assert.equal(await attempts.next(), 1);
        await waitsForRetry(world, 1);
        assert.equal(await attempts.next(), 2);
      });
    },
  },
  {
    title: "a PermanentJobError makes the job dead at once",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => {
        runs.report(payload);
        throw new PermanentJobError("this will never work");
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1);
        await runs.next();
        await eventually("it is dead", async () => (await world.deadJobs()).length === 1);
        const [dead] = await world.deadJobs();
        assert.equal(dead?.lastError, "this will never work");
        assert.equal(dead.attempts, 1);
        await world.elapse(LONG_SECONDS);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "a payload that its schema refuses by now makes the job dead, without a run",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const handler = async (payload: JsonValue) => runs.report(payload);
      const lax = contractJob("contract.work", handler);
      const strict = contractJob("contract.work", handler, {
        schema: {
          "~standard": {
            version: 1,
            vendor: "contract",
            validate: () => ({ issues: [{ message: "not any more" }] }),
          },
        },
      });
      await inWorld(harness, [lax], async (world) => {
        await world.queue.enqueue("contract.work", 1);
        await work(world, { definitions: [strict] });
        await eventually("it is dead", async () => (await world.deadJobs()).length === 1);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "a run that outlasts its timeout is aborted and has failed",
    async run(harness) {
      const aborted = createProbe<string>();
      const job = contractJob(
        "contract.work",
        async (_payload, ctx) => {
          if (ctx.attempt > 1) return aborted.report(`attempt ${ctx.attempt}`);
          await whenAborted(ctx);
          aborted.report("aborted");
          // Whoever does not listen has failed all the same.
          await new Promise(() => undefined);
        },
        { timeout: 50 },
      );
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1);
        assert.equal(await aborted.next(), "aborted");
        await waitsForRetry(world, 1);
        assert.equal(await aborted.next(), "attempt 2");
      });
    },
  },
];

/** Waits until the failure of that attempt is stored, then lets the pause go by. */
async function waitsForRetry(world: ContractWorld, attempt: number): Promise<void> {
  await failureIsStored(world, attempt);
  await world.elapse(LONG_SECONDS);
}

async function failureIsStored(world: ContractWorld, attempt: number): Promise<void> {
  await eventually(
    `attempt ${attempt} has failed`,
    async () => (await world.waitingAfter(attempt)) > 0,
  );
}

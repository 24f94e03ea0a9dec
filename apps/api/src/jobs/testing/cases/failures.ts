import assert from "node:assert/strict";
import { InvalidPayloadError, PermanentJobError } from "../../application/job-errors.ts";
import type { JsonValue } from "../../application/job-types.ts";
import {
  inWorld,
  LONG_SECONDS,
  skipBackOff,
  untilDead,
  untilSettled,
  whenAborted,
  work,
} from "../case-steps.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe } from "../probe.ts";

export const failureCases: readonly ContractCase[] = [
  {
    title: "an error message that no database can store fails only its own attempt",
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
        await skipBackOff(world, 1);
        assert.equal(await runs.next(), "poison");
        await untilDead(world, 1);
        end.resolve();
        await untilSettled(world);
        const [dead, ...others] = await world.deadJobs();
        assert.match(dead?.lastError ?? "", /Unexpected token/);
        assert.deepEqual(others, []);
      });
    },
  },
  {
    title: "a handler whose own enqueue is refused is retried",
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
        await skipBackOff(world, 1);
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
        await untilDead(world, 1);
        const [dead] = await world.deadJobs();
        assert.equal(dead?.lastError, "this will never work");
        assert.equal(dead.attempts, 1);
        await world.elapse(LONG_SECONDS);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "a stored payload that the current schema refuses makes the job dead without a run",
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
        await untilDead(world, 1);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "a run that exceeds its timeout is aborted and retried",
    async run(harness) {
      const aborted = createProbe<string>();
      const job = contractJob(
        "contract.work",
        async (_payload, ctx) => {
          if (ctx.attempt > 1) return aborted.report(`attempt ${ctx.attempt}`);
          await whenAborted(ctx);
          aborted.report("aborted");
          // A handler that ignores its signal has failed all the same.
          await new Promise(() => undefined);
        },
        { timeout: 50 },
      );
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1);
        assert.equal(await aborted.next(), "aborted");
        await skipBackOff(world, 1);
        assert.equal(await aborted.next(), "attempt 2");
      });
    },
  },
  {
    title: "a handler that throws before its first await is retried",
    async run(harness) {
      const attempts = createProbe<number>();
      const job = contractJob("contract.work", (_payload, { attempt }) => {
        attempts.report(attempt);
        if (attempt === 1) throw new Error("thrown, not rejected");
        return Promise.resolve();
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1);
        assert.equal(await attempts.next(), 1);
        await skipBackOff(world, 1);
        assert.equal(await attempts.next(), 2);
        await untilSettled(world);
        assert.deepEqual(await world.deadJobs(), []);
      });
    },
  },
  {
    title: "a handler that returns after its timeout has failed and is retried",
    async run(harness) {
      const runs = createProbe<string>();
      const job = contractJob(
        "contract.work",
        async (_payload, ctx) => {
          if (ctx.attempt === 1) await whenAborted(ctx);
          runs.report(`attempt ${ctx.attempt} returns`);
        },
        { timeout: 50 },
      );
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1);
        assert.equal(await runs.next(), "attempt 1 returns");
        await skipBackOff(world, 1);
        assert.equal(await runs.next(), "attempt 2 returns");
        await untilSettled(world);
        assert.deepEqual(await world.deadJobs(), []);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
];

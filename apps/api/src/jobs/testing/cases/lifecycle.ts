import assert from "node:assert/strict";
import type { JsonValue } from "../../application/job-types.ts";
import { inWorld, untilDead, untilSettled, whenAborted, work } from "../case-steps.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe } from "../probe.ts";

export const lifecycleCases: readonly ContractCase[] = [
  {
    title: "stop() waits for the running handler and takes no new job",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const finish = Promise.withResolvers<void>();
      const job = contractJob("contract.work", async (payload, { attempt }) => {
        assert.equal(attempt, 1);
        runs.report(payload);
        await finish.promise;
      });
      await inWorld(harness, [job], async (world) => {
        const runtime = await work(world, { concurrency: 1 });
        await world.queue.enqueueMany([
          { name: "contract.work", payload: "one" },
          { name: "contract.work", payload: "other" },
        ]);
        // The order is not promised: either job may be running.
        const seen = [await runs.next()];
        let stopped = false;
        const stopping = runtime.stop().then(() => (stopped = true));
        assert.equal(stopped, false);
        finish.resolve();
        await stopping;
        assert.equal(runs.unread.length, 0);
        assert.equal(await world.pendingCount(), 1);
        await work(world);
        seen.push(await runs.next());
        assert.deepEqual(new Set(seen), new Set(["one", "other"]));
      });
    },
  },
  {
    title: "after the grace period the signal aborts and unfinished jobs run elsewhere at once",
    async run(harness) {
      const runs = createProbe<string>();
      const job = contractJob("contract.work", async (payload, ctx) => {
        runs.report(`attempt ${ctx.attempt}`);
        if (ctx.attempt > 1) return;
        await whenAborted(ctx);
        runs.report("aborted");
        // This handler ignores its signal.
        if (payload === "deaf") await new Promise(() => undefined);
        throw new Error("cut short");
      });
      await inWorld(harness, [job], async (world) => {
        const first = await work(world, { shutdownGraceMs: 20 });
        await world.queue.enqueue("contract.work", "deaf");
        assert.equal(await runs.next(), "attempt 1");
        await first.stop();
        assert.equal(await runs.next(), "aborted");
        await work(world);
        assert.equal(await runs.next(), "attempt 2");
      });
    },
  },
  {
    title: "a last attempt cut off by stop() makes the job dead, with a reason",
    async run(harness) {
      const begun = createProbe<true>();
      const job = contractJob("contract.work", async () => {
        begun.report(true);
        await new Promise(() => undefined);
      });
      await inWorld(harness, [job], async (world) => {
        const runtime = await work(world, { shutdownGraceMs: 20 });
        await world.queue.enqueue("contract.work", 1, { maxAttempts: 1 });
        await begun.next();
        await runtime.stop();
        await untilDead(world, 1);
        const [dead] = await world.deadJobs();
        assert.match(dead?.lastError ?? "", /stopped|timed out|cut off/);
      });
    },
  },
  {
    title: "start() and stop() may be called repeatedly, at the same time and in any order",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload));
      await inWorld(harness, [job], async (world) => {
        const runtime = world.runtime();
        await runtime.stop();
        await Promise.all([runtime.start(), runtime.start()]);
        await Promise.all([runtime.stop(), runtime.stop()]);
        await runtime.stop();
        for (let round = 0; round < 5; round++) {
          const starting = runtime.start().catch(() => undefined);
          await Promise.all([starting, runtime.stop()]);
        }
        await runtime.start();
        // The last call wins.
        const stopping = runtime.stop();
        await runtime.start();
        await stopping;
        await world.queue.enqueue("contract.work", "alive");
        assert.equal(await runs.next(), "alive");
      });
    },
  },
  {
    title: "two instances share the work and run each job once",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload));
      await inWorld(harness, [job], async (world) => {
        await Promise.all([work(world), work(world)]);
        await world.queue.enqueueMany(
          Array.from({ length: 100 }, (_, payload) => ({ name: "contract.work", payload })),
        );
        const seen = new Set<JsonValue>();
        for (let run = 0; run < 100; run++) seen.add(await runs.next());
        await untilSettled(world);
        assert.equal(seen.size, 100);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
];

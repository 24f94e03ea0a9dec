import assert from "node:assert/strict";
import type { JsonValue } from "../../application/job-types.ts";
import { inWorld, skipBackOff, untilDead, untilSettled, whenAborted, work } from "../case-steps.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe, eventually } from "../probe.ts";

export const lifecycleEdgeCases: readonly ContractCase[] = [
  {
    title: "stop() during start() leaves nothing running, and a later start() works",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload));
      const marker = contractJob("contract.other", async () => runs.report("marker"));
      await inWorld(harness, [job, marker], async (world) => {
        const runtime = world.runtime();
        // Stops at once, and while the start is busy.
        for (const between of [async () => 0, () => world.pendingCount()]) {
          const starting = runtime.start().catch(() => undefined);
          await between();
          await Promise.all([starting, runtime.stop()]);
        }
        await world.queue.enqueue("contract.work", "left");
        const witness = await work(world, { definitions: [marker] });
        await world.queue.enqueue("contract.other", 1);
        assert.equal(await runs.next(), "marker");
        await witness.stop();
        assert.equal(runs.unread.length, 0);
        assert.equal(await world.pendingCount(), 1);
        await runtime.start();
        await eventually("the job runs", async () => {
          await world.elapse(10);
          return runs.unread.length > 0;
        });
        assert.deepEqual(runs.unread, ["left"]);
      });
    },
  },
  {
    title: "a handler that ignores its signal does not delay stop()",
    async run(harness) {
      const begun = createProbe<true>();
      const job = contractJob("contract.work", async () => {
        begun.report(true);
        await new Promise(() => undefined);
      });
      await inWorld(harness, [job], async (world) => {
        const runtime = await work(world, { shutdownGraceMs: 20 });
        await world.queue.enqueueMany([
          { name: "contract.work", payload: 1 },
          { name: "contract.work", payload: 2 },
        ]);
        await begun.next();
        await begun.next();
        const started = performance.now();
        await runtime.stop();
        const ms = performance.now() - started;
        assert.ok(ms < 5_000, `stop() took ${ms} ms`);
        assert.equal(await world.pendingCount(), 2);
      });
    },
  },
  {
    title: "a run that throws because stop() aborted it is repeated without back-off",
    async run(harness) {
      const attempts = createProbe<number>();
      const job = contractJob("contract.work", async (_payload, ctx) => {
        attempts.report(ctx.attempt);
        if (ctx.attempt === 3) await whenAborted(ctx);
        if (ctx.attempt <= 3) throw new Error(`failure ${ctx.attempt}`);
      });
      await inWorld(harness, [job], async (world) => {
        const first = await work(world, { shutdownGraceMs: 20 });
        await world.queue.enqueue("contract.work", 1);
        for (const attempt of [1, 2]) {
          assert.equal(await attempts.next(), attempt);
          await skipBackOff(world, attempt);
        }
        assert.equal(await attempts.next(), 3);
        await first.stop();
        // A back-off would take 20 seconds, longer than this case waits.
        await work(world);
        assert.equal(await attempts.next(), 4);
        await untilSettled(world);
        assert.deepEqual(await world.deadJobs(), []);
      });
    },
  },
  {
    title: "a last attempt that throws because stop() aborted it makes the job dead",
    async run(harness) {
      const begun = createProbe<true>();
      const job = contractJob("contract.work", async (_payload, ctx) => {
        begun.report(true);
        await whenAborted(ctx);
        throw new Error("cut off");
      });
      await inWorld(harness, [job], async (world) => {
        const runtime = await work(world, { shutdownGraceMs: 20 });
        await world.queue.enqueue("contract.work", 1, { maxAttempts: 1 });
        await begun.next();
        await runtime.stop();
        await work(world);
        await untilDead(world, 1);
        assert.match((await world.deadJobs())[0]?.lastError ?? "", /cut off/);
        assert.equal(begun.unread.length, 0);
      });
    },
  },
  {
    title: "a handler that ends within the grace period has succeeded",
    async run(harness) {
      const runs = createProbe<string>();
      const finish = Promise.withResolvers<void>();
      const job = contractJob("contract.work", async (_payload, { attempt, signal }) => {
        runs.report(`attempt ${attempt}`);
        await finish.promise;
        runs.report(signal.aborted ? "aborted" : "in time");
      });
      const marker = contractJob("contract.other", async () => runs.report("marker"));
      await inWorld(harness, [job, marker], async (world) => {
        const runtime = await work(world, { shutdownGraceMs: 10_000 });
        await world.queue.enqueue("contract.work", 1);
        assert.equal(await runs.next(), "attempt 1");
        const stopping = runtime.stop();
        // Gives the stop time to begin.
        await world.pendingCount();
        finish.resolve();
        await stopping;
        assert.equal(await runs.next(), "in time");
        assert.equal(await world.pendingCount(), 0);
        await work(world);
        await world.queue.enqueue("contract.other", 1);
        assert.equal(await runs.next(), "marker");
        assert.equal(runs.unread.length, 0);
        assert.deepEqual(await world.deadJobs(), []);
      });
    },
  },
  {
    title: "no job is lost while other instances start and stop",
    async run(harness) {
      const seen = new Set<JsonValue>();
      const job = contractJob("contract.work", async (payload) => {
        // Lets the event loop turn, so that a stop can come.
        await new Promise((resolve) => setImmediate(resolve));
        seen.add(payload);
      });
      await inWorld(harness, [job], async (world) => {
        const enqueue = (from: number) =>
          world.queue.enqueueMany(
            Array.from({ length: 25 }, (_, index) => ({
              name: "contract.work",
              payload: from + index,
            })),
          );
        await work(world, { concurrency: 1 });
        for (const from of [0, 25, 50, 75]) {
          const other = await work(world, { concurrency: 4, shutdownGraceMs: 20 });
          await enqueue(from);
          const enough = seen.size + 5;
          await eventually(
            "some jobs have run",
            async () => seen.size >= Math.min(enough, from + 25),
          );
          await other.stop();
        }
        await eventually("every job is done", async () => {
          await world.elapse(10);
          return (await world.pendingCount()) === 0;
        });
        assert.equal(seen.size, 100);
        assert.deepEqual(await world.deadJobs(), []);
      });
    },
  },
];

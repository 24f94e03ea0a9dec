import assert from "node:assert/strict";
import { PermanentJobError } from "../../application/job-errors.ts";
import type { JsonValue } from "../../application/job-types.ts";
import {
  inWorld,
  LONG_SECONDS,
  untilDead,
  untilFailed,
  untilSettled,
  work,
} from "../case-steps.ts";
import type { ContractCase, ContractWorld } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe } from "../probe.ts";

async function enqueueFiftyAtOnce(world: ContractWorld): Promise<void> {
  await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      world.queue.enqueue("contract.work", `one of fifty, ${index}`, { jobKey: "k" }),
    ),
  );
}

export const jobKeyReuseCases: readonly ContractCase[] = [
  {
    title: "after a success the key makes a new job at once, and again seconds later",
    needs: ["jobKey"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload));
      await inWorld(harness, [job], async (world) => {
        await work(world);
        for (const [payload, pause] of [
          ["first", 0],
          ["at once", 5],
          ["seconds later", 0],
        ] as const) {
          await world.queue.enqueue("contract.work", payload, { jobKey: "k" });
          assert.equal(await runs.next(), payload);
          await untilSettled(world);
          await world.elapse(pause);
        }
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "a PermanentJobError frees the job's key at once",
    needs: ["jobKey"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => {
        runs.report(payload);
        if (payload === "bad") throw new PermanentJobError("never");
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", "bad", { jobKey: "k" });
        assert.equal(await runs.next(), "bad");
        await untilDead(world, 1);
        await world.queue.enqueue("contract.work", "good", { jobKey: "k" });
        assert.equal(await runs.next(), "good");
        await untilSettled(world);
        assert.equal((await world.deadJobs()).length, 1);
      });
    },
  },
  {
    title: "fifty enqueues at once between two attempts are absorbed",
    needs: ["jobKey"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload, { attempt }) => {
        runs.report([payload, attempt]);
        if (attempt === 1) throw new Error("fails once");
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", "first", { jobKey: "k" });
        assert.deepEqual(await runs.next(), ["first", 1]);
        await untilFailed(world, 1);
        await enqueueFiftyAtOnce(world);
        assert.equal(await world.pendingCount(), 1);
        await world.elapse(LONG_SECONDS);
        assert.deepEqual(await runs.next(), ["first", 2]);
        await untilSettled(world);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "fifty enqueues at once right after a success make one job",
    needs: ["jobKey"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload));
      await inWorld(harness, [job], async (world) => {
        const runtime = await work(world);
        await world.queue.enqueue("contract.work", "first", { jobKey: "k" });
        assert.equal(await runs.next(), "first");
        await untilSettled(world);
        // No run may begin meanwhile, since it would free the key.
        await runtime.stop();
        await enqueueFiftyAtOnce(world);
        assert.equal(await world.pendingCount(), 1);
        await work(world);
        assert.match(JSON.stringify(await runs.next()), /^"one of fifty/);
        await untilSettled(world);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "a job with a distant runAt keeps its key and its time until it runs",
    needs: ["jobKey"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload));
      const marker = contractJob("contract.other", async () => runs.report("marker"));
      const days = (count: number) => count * 86_400;
      await inWorld(harness, [job, marker], async (world) => {
        await work(world);
        const runAt = new Date(Date.now() + days(20) * 1_000);
        await world.queue.enqueue("contract.work", "far", { jobKey: "k", runAt });
        await world.queue.enqueue("contract.work", "sooner", { jobKey: "k" });
        await world.elapse(days(19));
        await world.queue.enqueue("contract.work", "later", { jobKey: "k" });
        await world.queue.enqueue("contract.other", 1);
        assert.equal(await runs.next(), "marker");
        await world.elapse(days(1));
        assert.equal(await runs.next(), "far");
        await untilSettled(world);
        assert.equal(runs.unread.length, 0);
        await world.queue.enqueue("contract.work", "next", { jobKey: "k" });
        assert.equal(await runs.next(), "next");
      });
    },
  },
  {
    title: "batches at once with the same keys in different orders make one job per key",
    needs: ["jobKey"],
    async run(harness) {
      const job = contractJob("contract.work", async () => undefined);
      await inWorld(harness, [job], async (world) => {
        const keys = ["a", "b", "c", "d", "a", "d"];
        const batch = (jobKeys: readonly string[]) =>
          world.queue.enqueueMany([
            { name: "contract.work", payload: "without a key" },
            ...jobKeys.map((jobKey) => ({
              name: "contract.work" as const,
              payload: jobKey,
              options: { jobKey },
            })),
          ]);
        await batch(keys);
        assert.equal(await world.pendingCount(), 5);
        await batch(keys);
        assert.equal(await world.pendingCount(), 6);
        const others = ["e", "f", "g", "h"];
        await Promise.all(
          Array.from({ length: 10 }, (_, turn) =>
            batch(turn % 2 === 0 ? others : others.toReversed()),
          ),
        );
        assert.equal(await world.pendingCount(), 20);
      });
    },
  },
  {
    title: "a run cut off by stop() takes its key again",
    needs: ["jobKey"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload, { attempt }) => {
        runs.report([payload, attempt]);
        if (attempt === 1) await new Promise(() => undefined);
      });
      await inWorld(harness, [job], async (world) => {
        const runtime = await work(world, { shutdownGraceMs: 20 });
        await world.queue.enqueue("contract.work", "first", { jobKey: "k" });
        assert.deepEqual(await runs.next(), ["first", 1]);
        await runtime.stop();
        await world.queue.enqueue("contract.work", "absorbed", { jobKey: "k" });
        assert.equal(await world.pendingCount(), 1);
        await work(world);
        assert.deepEqual(await runs.next(), ["first", 2]);
        await untilSettled(world);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
];

import assert from "node:assert/strict";
import type { JsonValue } from "../../application/job-types.ts";
import { inWorld, untilDead, untilFailed, untilSettled, work } from "../case-steps.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe } from "../probe.ts";

const ODD_KEYS = [
  "x".repeat(512),
  `${"x".repeat(511)}y`,
  "🌍".repeat(256),
  "a:b/c?d=e&f#g %00 \n\t",
  "\u0000",
  "\uD800",
  "sha256 0000",
  "__proto__",
  " ",
];

export const jobKeyCases: readonly ContractCase[] = [
  {
    title: "while a job waits, another enqueue with its key is absorbed",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload));
      const other = contractJob("contract.other", async (payload) => runs.report(payload));
      await inWorld(harness, [job, other], async (world) => {
        await world.queue.enqueue("contract.work", 1, { jobKey: "k" });
        await world.queue.enqueue("contract.work", 2, { jobKey: "k" });
        await world.queue.enqueueMany([
          { name: "contract.work", payload: 3, options: { jobKey: "k" } },
          { name: "contract.work", payload: 4, options: { jobKey: "k" } },
        ]);
        assert.equal(await world.pendingCount(), 1);
        await world.queue.enqueue("contract.other", 5, { jobKey: "k" });
        await world.queue.enqueue("contract.work", 6, { jobKey: "K" });
        assert.equal(await world.pendingCount(), 3);
        await work(world);
        const seen = [await runs.next(), await runs.next(), await runs.next()];
        assert.deepEqual(new Set(seen), new Set([1, 5, 6]));
      });
    },
  },
  {
    title: "fifty enqueues at once with one key make one job",
    async run(harness) {
      const job = contractJob("contract.work", async () => undefined);
      await inWorld(harness, [job], async (world) => {
        await Promise.all(
          Array.from({ length: 50 }, (_, payload) =>
            world.queue.enqueue("contract.work", payload, { jobKey: "k" }),
          ),
        );
        assert.equal(await world.pendingCount(), 1);
      });
    },
  },
  {
    title: "a run frees its key when it begins and keeps its attempts",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const fail = Promise.withResolvers<void>();
      const job = contractJob("contract.work", async (payload, { attempt }) => {
        runs.report([payload, attempt]);
        if (payload === "first" && attempt === 1) {
          await fail.promise;
          throw new Error("fails after the second was enqueued");
        }
      });
      await inWorld(harness, [job], async (world) => {
        await work(world, { concurrency: 2 });
        await world.queue.enqueue("contract.work", "first", { jobKey: "k" });
        assert.deepEqual(await runs.next(), ["first", 1]);
        await world.queue.enqueue("contract.work", "second", { jobKey: "k" });
        assert.deepEqual(await runs.next(), ["second", 1]);
        fail.resolve();
        await untilFailed(world, 1);
        await world.elapse(60);
        assert.deepEqual(await runs.next(), ["first", 2]);
      });
    },
  },
  {
    title: "a job keeps its key between two attempts",
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
        await world.queue.enqueue("contract.work", "absorbed", { jobKey: "k" });
        await world.elapse(60);
        assert.deepEqual(await runs.next(), ["first", 2]);
        await untilSettled(world);
        await world.queue.enqueue("contract.work", "second", { jobKey: "k" });
        assert.deepEqual(await runs.next(), ["second", 1]);
      });
    },
  },
  {
    title: "a job that waits for a busy worker keeps its key",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const go = Promise.withResolvers<void>();
      const job = contractJob("contract.work", async (payload) => {
        runs.report(payload);
        await go.promise;
      });
      await inWorld(harness, [job], async (world) => {
        await world.queue.enqueue("contract.work", "a", { jobKey: "a" });
        await world.queue.enqueue("contract.work", "b", { jobKey: "b" });
        await work(world, { concurrency: 1 });
        // The order is not promised: either job may wait.
        const waits = (await runs.next()) === "a" ? "b" : "a";
        await world.queue.enqueue("contract.work", "absorbed", { jobKey: waits });
        go.resolve();
        assert.equal(await runs.next(), waits);
        await untilSettled(world);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "a dead job frees its key",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => {
        runs.report(payload);
        if (payload === "bad") throw new Error("fails");
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", "bad", { jobKey: "k", maxAttempts: 1 });
        assert.equal(await runs.next(), "bad");
        await untilDead(world, 1);
        await world.queue.enqueue("contract.work", "good", { jobKey: "k" });
        assert.equal(await runs.next(), "good");
        assert.equal((await world.deadJobs()).length, 1);
      });
    },
  },
  {
    title: "every string of 1 to 512 characters is a key of its own",
    async run(harness) {
      const job = contractJob("contract.work", async () => undefined);
      await inWorld(harness, [job], async (world) => {
        for (const jobKey of [...ODD_KEYS, ...ODD_KEYS]) {
          await world.queue.enqueue("contract.work", 1, { jobKey });
        }
        assert.equal(await world.pendingCount(), ODD_KEYS.length);
      });
    },
  },
];

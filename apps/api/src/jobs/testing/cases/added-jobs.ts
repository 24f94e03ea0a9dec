import assert from "node:assert/strict";
import type { JsonValue } from "../../application/job-types.ts";
import { inWorld, untilFailed, untilSettled, work } from "../case-steps.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe } from "../probe.ts";

const idle = contractJob("contract.work", async () => undefined);

// The answers of `add`. Cases with keys belong to the topic `jobKey`.

export const addedJobCases: readonly ContractCase[] = [
  {
    title: "add returns the id that the job's runs have",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload, { jobId }) =>
        runs.report([payload, jobId]),
      );
      await inWorld(harness, [job], async (world) => {
        const later = new Date(world.now().getTime() + 3_600_000);
        const plain = await world.queue.add("contract.work", "plain");
        const other = await world.queue.add("contract.work", "other", { maxAttempts: 2 });
        const timed = await world.queue.add("contract.work", "timed", { runAt: later });
        assert.equal(new Set([plain.id, other.id, timed.id]).size, 3);
        for (const added of [plain, other, timed]) assert.equal(added.absorbed, false);
        await work(world);
        const seen = [await runs.next(), await runs.next()];
        assert.deepEqual(
          new Set(seen),
          new Set([
            ["plain", plain.id],
            ["other", other.id],
          ]),
        );
        await world.elapse(3_601);
        assert.deepEqual(await runs.next(), ["timed", timed.id]);
      });
    },
  },
  {
    title: "add returns the id that a job has in its second run and among the dead jobs",
    needs: ["replay"],
    async run(harness) {
      const runs = createProbe<string>();
      const job = contractJob("contract.work", async (_payload, { jobId, attempt }) => {
        runs.report(`${attempt} ${jobId}`);
        throw new Error("fails");
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        const { id } = await world.queue.add("contract.work", 1, { maxAttempts: 2 });
        assert.equal(await runs.next(), `1 ${id}`);
        await untilFailed(world, 1);
        await world.elapse(60);
        assert.equal(await runs.next(), `2 ${id}`);
        await untilSettled(world);
        assert.deepEqual(
          (await world.dead?.list(10))?.map((dead) => dead.id),
          [id],
        );
      });
    },
  },
  {
    title: "add refuses what enqueue refuses, and stores nothing then",
    run: (harness) =>
      inWorld(harness, [idle], async (world) => {
        await assert.rejects(world.queue.add("contract.other", 1), { code: "jobs.unknown_job" });
        await assert.rejects(world.queue.add("contract.work", 1, { jobKey: "" }), {
          code: "jobs.invalid_options",
        });
        await assert.rejects(world.queue.add("contract.work", "x".repeat(1_048_575)), {
          code: "jobs.payload_too_large",
        });
        assert.equal(await world.pendingCount(), 0);
      }),
  },
];

export const absorbedJobCases: readonly ContractCase[] = [
  {
    title: "add answers for an absorbed job with the id of the job that waits",
    needs: ["jobKey"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload, { jobId, attempt }) => {
        runs.report([payload, jobId]);
        if (attempt === 1) throw new Error("fails once");
      });
      const other = contractJob("contract.other", async () => undefined);
      await inWorld(harness, [job, other], async (world) => {
        const first = await world.queue.add("contract.work", "first", { jobKey: "k" });
        assert.equal(first.absorbed, false);
        const absorbed = { id: first.id, absorbed: true };
        const add = () => world.queue.add("contract.work", "absorbed", { jobKey: "k" });
        assert.deepEqual(await add(), absorbed);
        await world.queue.enqueue("contract.work", "absorbed", { jobKey: "k" });
        for (const [name, jobKey] of [
          ["contract.other", "k"],
          ["contract.work", "K"],
        ] as const) {
          const apart = await world.queue.add(name, 1, { jobKey, runAt: new Date(8e12) });
          assert.equal(apart.absorbed, false);
          assert.notEqual(apart.id, first.id);
        }
        await work(world);
        assert.deepEqual(await runs.next(), ["first", first.id]);
        await untilFailed(world, 1);
        assert.deepEqual(await add(), absorbed);
        await world.elapse(60);
        assert.deepEqual(await runs.next(), ["first", first.id]);
      });
    },
  },
  {
    title: "add answers with a new id once the job with the key has begun",
    needs: ["jobKey"],
    async run(harness) {
      const runs = createProbe<string>();
      const end = Promise.withResolvers<void>();
      const job = contractJob("contract.work", async (_payload, { jobId }) => {
        runs.report(jobId);
        await end.promise;
      });
      await inWorld(harness, [job], async (world) => {
        await work(world, { concurrency: 2 });
        const first = await world.queue.add("contract.work", 1, { jobKey: "k" });
        assert.equal(await runs.next(), first.id);
        const second = await world.queue.add("contract.work", 2, { jobKey: "k" });
        assert.equal(second.absorbed, false);
        assert.equal(await runs.next(), second.id);
        assert.notEqual(second.id, first.id);
        end.resolve();
        await untilSettled(world);
      });
    },
  },
  {
    title: "of fifty adds at once with one key, all name the same job and one of them stored it",
    needs: ["jobKey"],
    async run(harness) {
      await inWorld(harness, [idle], async (world) => {
        const added = await Promise.all(
          Array.from({ length: 50 }, (_, payload) =>
            world.queue.add("contract.work", payload, { jobKey: "k" }),
          ),
        );
        assert.equal(new Set(added.map(({ id }) => id)).size, 1);
        assert.equal(added.filter(({ absorbed }) => !absorbed).length, 1);
        assert.equal(await world.pendingCount(), 1);
      });
    },
  },
];

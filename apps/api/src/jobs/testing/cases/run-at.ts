import assert from "node:assert/strict";
import type { JsonValue } from "../../application/job-types.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { inWorld, work } from "../in-world.ts";
import { createProbe } from "../probe.ts";

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000);

export const runAtCases: readonly ContractCase[] = [
  {
    title: "a job runs at its runAt and not before",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload));
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", "later", { runAt: inSeconds(3_600) });
        await world.elapse(3_590);
        await world.queue.enqueue("contract.work", "now");
        assert.equal(await runs.next(), "now");
        assert.equal(runs.unread.length, 0);
        await world.elapse(10);
        assert.equal(await runs.next(), "later");
      });
    },
  },
  {
    title: "a runAt in the past means now",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload));
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1, { runAt: new Date("1999-12-31T23:59:59Z") });
        assert.equal(await runs.next(), 1);
      });
    },
  },
  {
    title: "enqueueMany keeps the options of each job",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload, { maxAttempts }) => {
        runs.report([payload, maxAttempts]);
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueueMany([
          { name: "contract.work", payload: 1, options: { runAt: inSeconds(60), maxAttempts: 7 } },
          { name: "contract.work", payload: 2 },
        ]);
        assert.deepEqual(await runs.next(), [2, 10]);
        await world.elapse(60);
        assert.deepEqual(await runs.next(), [1, 7]);
      });
    },
  },
];

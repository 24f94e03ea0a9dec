import assert from "node:assert/strict";
import type { JsonValue } from "../../application/job-types.ts";
import { inWorld, untilSettled, work } from "../case-steps.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe, eventually } from "../probe.ts";

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000);

const DAY_SECONDS = 86_400;

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
  {
    title: "a runAt between two seconds is precise to the second",
    async run(harness) {
      let elapsed = 0;
      const ran = new Map<JsonValue, number>();
      const markers = createProbe<true>();
      const job = contractJob("contract.work", async (payload) => {
        ran.set(payload, Date.now() + elapsed * 1_000);
      });
      const marker = contractJob("contract.other", async () => markers.report(true));
      await inWorld(harness, [job, marker], async (world) => {
        await work(world);
        const second = Math.ceil(Date.now() / 1_000) * 1_000 + 60_000;
        const fractions = [0, 1, 500, 999];
        await world.queue.enqueueMany(
          fractions.map((ms) => ({
            name: "contract.work",
            payload: ms,
            options: { runAt: new Date(second + ms) },
          })),
        );
        const elapse = async (seconds: number) => {
          elapsed += seconds;
          await world.elapse(seconds);
          await world.queue.enqueue("contract.other", 1);
          await markers.next();
        };
        await elapse(50);
        assert.equal(ran.size, 0);
        // The steps are shorter than the promised precision.
        await eventually("every job has run", async () => {
          if (ran.size < fractions.length) await elapse(0.25);
          return ran.size === fractions.length;
        });
        // A provider may be ahead of the wall clock, so compare with the job that is due on the second.
        const due = ran.get(0) ?? Number.NaN;
        for (const ms of fractions) {
          const early = due - (ran.get(ms) ?? Number.NaN);
          assert.ok(early < 750, `.${ms} ran ${early} ms before its second`);
        }
      });
    },
  },
  {
    title: "a job due in three weeks runs then, as its first attempt",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload, { attempt, maxAttempts }) => {
        runs.report([payload, attempt, maxAttempts]);
      });
      const marker = contractJob("contract.other", async () => runs.report("marker"));
      await inWorld(harness, [job, marker], async (world) => {
        await work(world);
        const runAt = new Date(Date.now() + 20 * DAY_SECONDS * 1_000);
        await world.queue.enqueue("contract.work", "far", { runAt, maxAttempts: 3 });
        for (const days of [6, 6, 7.9]) {
          await world.elapse(days * DAY_SECONDS);
          await world.queue.enqueue("contract.other", 1);
          assert.equal(await runs.next(), "marker");
          await eventually("the marker is done", async () => (await world.pendingCount()) === 1);
        }
        await world.elapse(DAY_SECONDS);
        assert.deepEqual(await runs.next(), ["far", 1, 3]);
        await untilSettled(world);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "an absorbed enqueue does not change the runAt of the job with the key",
    needs: ["jobKey"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload));
      const marker = contractJob("contract.other", async () => runs.report("marker"));
      await inWorld(harness, [job, marker], async (world) => {
        await work(world);
        const inAnHour = new Date(Date.now() + 3_600_000);
        await world.queue.enqueue("contract.work", "held", { jobKey: "k", runAt: inAnHour });
        await world.queue.enqueue("contract.work", "now", { jobKey: "k" });
        await world.queue.enqueue("contract.work", "past", { jobKey: "k", runAt: new Date(0) });
        await world.elapse(3_500);
        await world.queue.enqueue("contract.other", 1);
        assert.equal(await runs.next(), "marker");
        await world.elapse(100);
        assert.equal(await runs.next(), "held");
        await untilSettled(world);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
];

import assert from "node:assert/strict";
import type { JsonValue } from "../../application/job-types.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { inWorld, work } from "../in-world.ts";
import { createProbe, eventually } from "../probe.ts";

export const scheduleCases: readonly ContractCase[] = [
  {
    title: "each missed tick within the back-fill makes one job across all instances",
    needs: ["schedules", "backfill"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload), {
        schedule: { cron: "* * * * *", payload: ["scheduled"], backfill: 10 * 60_000 },
      });
      await inWorld(harness, [job], async (world) => {
        await world.missMinutes(4);
        await Promise.all([work(world), work(world)]);
        for (let tick = 0; tick < 4; tick++) assert.deepEqual(await runs.next(), ["scheduled"]);
        await eventually("all is done", async () => (await world.pendingCount()) === 0);
        // A tick of its own may have come while the case ran.
        assert.ok(runs.unread.length <= 1);
      });
    },
  },
  {
    title: "ticks older than the back-fill are not made up",
    needs: ["schedules", "backfill"],
    async run(harness) {
      const runs = createProbe<string>();
      const minutes = 8;
      const long = contractJob("contract.work", async () => runs.report("long"), {
        schedule: { cron: "* * * * *", payload: 0, backfill: 60 * 60_000 },
      });
      const short = contractJob("contract.other", async () => runs.report("short"), {
        schedule: { cron: "* * * * *", payload: 0, backfill: 2 * 60_000 },
      });
      await inWorld(harness, [long, short], async (world) => {
        await world.missMinutes(minutes);
        await work(world);
        const seen = { long: 0, short: 0 };
        while (seen.long < minutes) seen[(await runs.next()) === "long" ? "long" : "short"]++;
        await eventually("all is done", async () => (await world.pendingCount()) === 0);
        seen.short += runs.unread.filter((name) => name === "short").length;
        // Two were young enough; while the case ran one may have come, or become too old.
        assert.ok(seen.short >= 1 && seen.short <= 4, `${seen.short} were made up`);
      });
    },
  },
  {
    title: "a schedule that left the registry makes no more jobs",
    needs: ["schedules"],
    async run(harness) {
      const runs = createProbe<string>();
      const handler = async () => runs.report("scheduled");
      const scheduled = contractJob("contract.work", handler, {
        schedule: { cron: "* * * * *", payload: 0, backfill: 10 * 60_000 },
      });
      const bare = contractJob("contract.work", handler);
      const marker = contractJob("contract.other", async () => runs.report("marker"));
      await inWorld(harness, [scheduled, marker], async (world) => {
        await world.missMinutes(4);
        await work(world, { definitions: [bare, marker] });
        await world.queue.enqueue("contract.other", 1);
        assert.equal(await runs.next(), "marker");
        assert.equal(runs.unread.length, 0);
      });
    },
  },
];

import assert from "node:assert/strict";
import type { JobDefinition } from "../../application/job-definition.ts";
import type { JsonValue } from "../../application/job-types.ts";
import { inWorld, untilSettled, work } from "../case-steps.ts";
import type { ContractCase, ContractWorld } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe, eventually, type Probe } from "../probe.ts";

const BACKFILL = 10 * 60_000;

/** A schedule that does not tick while a case runs. */
const farFromNow = () => `0 ${(new Date().getUTCHours() + 12) % 24} * * *`;

function everyMinute(runs: Probe<string>, backfill = BACKFILL): JobDefinition {
  return contractJob("contract.work", async () => runs.report("tick"), {
    schedule: { cron: "* * * * *", payload: 0, backfill },
  });
}

/** Allows one tick, which may have come while the case ran. */
async function assertNoneMadeUp(world: ContractWorld, runs: Probe<string>): Promise<void> {
  await world.queue.enqueue("contract.other", 1);
  await eventually("the marker has run", async () => runs.unread.includes("marker"));
  await untilSettled(world);
  const ticks = runs.unread.filter((what) => what === "tick").length;
  assert.ok(ticks <= 1, `${ticks} ticks were made up`);
}

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
        await untilSettled(world);
        // One more tick may have come while the case ran.
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
        while (seen.long < minutes || seen.short < 1) {
          seen[(await runs.next()) === "long" ? "long" : "short"]++;
        }
        await untilSettled(world);
        seen.short += runs.unread.filter((name) => name === "short").length;
        // Two ticks were young enough. While the case ran, one may have come or become too old.
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
  {
    title: "a changed schedule makes up no tick from before the change",
    needs: ["schedules", "backfill"],
    async run(harness) {
      const runs = createProbe<string>();
      const marker = contractJob("contract.other", async () => runs.report("marker"));
      const rare = contractJob("contract.work", async () => runs.report("tick"), {
        schedule: { cron: farFromNow(), payload: 0, backfill: BACKFILL },
      });
      await inWorld(harness, [rare, marker], async (world) => {
        await world.missMinutes(4);
        await work(world, { definitions: [everyMinute(runs), marker] });
        await assertNoneMadeUp(world, runs);
      });
    },
  },
  {
    title: "a schedule that is only spelled differently is the same one",
    needs: ["schedules", "backfill"],
    async run(harness) {
      const runs = createProbe<string>();
      const spelled = (cron: string, timezone: string) =>
        contractJob("contract.work", async () => runs.report("tick"), {
          schedule: { cron, timezone, payload: 0, backfill: BACKFILL },
        });
      await inWorld(harness, [spelled("* * * * *", "Europe/Berlin")], async (world) => {
        await world.missMinutes(3);
        await work(world, { definitions: [spelled(" */1  *\n* *\t* ", "europe/berlin")] });
        await eventually("the missed ticks have run", async () => runs.unread.length >= 3);
      });
    },
  },
  {
    title:
      "a schedule that was removed and restored makes up no tick from between, and ticks again",
    needs: ["schedules", "backfill"],
    async run(harness) {
      const runs = createProbe<string>();
      const scheduled = everyMinute(runs);
      const marker = contractJob("contract.other", async () => runs.report("marker"));
      const bare = contractJob("contract.work", async () => runs.report("tick"));
      await inWorld(harness, [scheduled, marker], async (world) => {
        await world.missMinutes(4);
        const without = await work(world, { definitions: [bare, marker] });
        await untilSettled(world);
        await without.stop();
        const again = await work(world);
        await assertNoneMadeUp(world, runs);
        await again.stop();
        const before = runs.unread.length;
        await world.missMinutes(3);
        await work(world);
        await eventually("three ticks have run", async () => runs.unread.length >= before + 3);
      });
    },
  },
  {
    title: "a back-fill of 0 makes up no missed tick",
    needs: ["schedules", "backfill"],
    async run(harness) {
      const runs = createProbe<string>();
      const marker = contractJob("contract.other", async () => runs.report("marker"));
      await inWorld(harness, [everyMinute(runs, 0), marker], async (world) => {
        await world.missMinutes(4);
        await work(world);
        await assertNoneMadeUp(world, runs);
      });
    },
  },
  {
    title: "a scheduled job has the schedule's payload and the definition's maxAttempts",
    needs: ["schedules", "backfill"],
    async run(harness) {
      const payload: JsonValue = { "": "Grüße 🌍", list: [null, { deep: [] }], _cron: 1 };
      const runs = createProbe<{ payload: JsonValue; attempt: number; maxAttempts: number }>();
      const job = contractJob(
        "contract.work",
        async (received, { attempt, maxAttempts }) => {
          runs.report({ payload: received, attempt, maxAttempts });
          throw new Error(`failure ${attempt}`);
        },
        { maxAttempts: 3, schedule: { cron: "* * * * *", payload, backfill: BACKFILL } },
      );
      await inWorld(harness, [job], async (world) => {
        await world.missMinutes(1);
        await work(world);
        await runs.next();
        await eventually("the job is dead", async () => {
          await world.elapse(10);
          return (await world.deadJobs()).length > 0;
        });
        const [dead] = await world.deadJobs();
        assert.deepEqual([dead?.attempts, dead?.lastError], [3, "failure 3"]);
        for (const run of runs.unread) {
          assert.deepEqual([run.payload, run.maxAttempts], [payload, 3]);
        }
        assert.ok(runs.unread.some(({ attempt }) => attempt === 3));
      });
    },
  },
  {
    title: "a scheduled payload may have any character, and stops no other schedule",
    needs: ["schedules", "backfill"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const odd: JsonValue = { "→ é 🌍": ["\u0000", "\uD800", "\u001B \\u0000"] };
      const handler = async (payload: JsonValue) => runs.report(payload);
      const schedule = { cron: "* * * * *", backfill: 10 * 60_000 };
      const jobs = [
        contractJob("contract.work", handler, { schedule: { ...schedule, payload: odd } }),
        contractJob("contract.other", handler, { schedule: { ...schedule, payload: "plain" } }),
      ];
      await inWorld(harness, jobs, async (world) => {
        await world.missMinutes(1);
        await work(world);
        // A minute may begin meanwhile, so one of them may tick twice before the other one.
        const seen = new Set<string>();
        while (seen.size < 2) {
          const payload = await runs.next();
          assert.deepEqual(payload, payload === "plain" ? "plain" : odd);
          seen.add(JSON.stringify(payload));
        }
      });
    },
  },
];

import assert from "node:assert/strict";
import { inWorld } from "../case-steps.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

interface ClockChange {
  /** The first instant after the change. */
  readonly at: Date;
  /** Positive if the clocks go forward. */
  readonly shiftMs: number;
}

/**
 * A scheduler may not know the year of a tick, as graphile-worker does not, so stay within half a year of
 * today. A zone with two clock changes a year always has one that is nearer.
 */
const NEAR_DAYS = 160;

/** Finds the zone's clock changes within {@link NEAR_DAYS} of today. */
function changesOf(timeZone: string): ClockChange[] {
  const offsetAt = offsetsOf(timeZone);
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const changes: ClockChange[] = [];
  for (let day = -NEAR_DAYS; day < NEAR_DAYS; day++) {
    let before = today + day * DAY_MS;
    let after = before + DAY_MS;
    const shiftMs = offsetAt(after) - offsetAt(before);
    if (shiftMs === 0) continue;
    while (after - before > MINUTE_MS) {
      const middle = before + Math.floor((after - before) / MINUTE_MS / 2) * MINUTE_MS;
      if (offsetAt(middle) === offsetAt(before)) before = middle;
      else after = middle;
    }
    changes.push({ at: new Date(after), shiftMs });
  }
  return changes;
}

/** Returns a function from an instant to the zone's offset from UTC, in milliseconds. */
function offsetsOf(timeZone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
  return (time) => {
    const name = format.formatToParts(time).find(({ type }) => type === "timeZoneName")?.value;
    const [, sign, hours, minutes] = /^GMT(?:([+-])(\d\d):(\d\d))?$/.exec(name ?? "") ?? [];
    const size = Number(hours ?? 0) * HOUR_MS + Number(minutes ?? 0) * MINUTE_MS;
    return sign === "-" ? -size : size;
  };
}

/** A case that compares the ticks of half a day before and after each clock change. */
function overChanges(
  title: string,
  { cron, timezone }: { readonly cron: string; readonly timezone: string },
  expected: (change: ClockChange, window: readonly [number, number]) => readonly Date[],
): ContractCase {
  return {
    title,
    needs: ["schedules"],
    async run(harness) {
      const job = contractJob("contract.work", async () => undefined, {
        schedule: { cron, timezone, payload: 0 },
      });
      const changes = changesOf(timezone);
      assert.ok(changes.length > 0, `${timezone} has no clock change within ${NEAR_DAYS} days`);
      await inWorld(harness, [job], async (world) => {
        for (const change of changes) {
          const [after, until] = [
            change.at.getTime() - DAY_MS / 2,
            change.at.getTime() + DAY_MS / 2,
          ];
          const ticks = await world.ticks(job, new Date(after), new Date(until));
          assert.deepEqual(
            ticks.map((tick) => tick.toISOString()),
            expected(change, [after, until]).map((tick) => tick.toISOString()),
          );
        }
      });
    },
  };
}

function every(stepMs: number, [after, until]: readonly [number, number]): Date[] {
  const count = (until - after) / stepMs;
  return Array.from({ length: count }, (_, index) => new Date(after + (index + 1) * stepMs));
}

function minutesFrom(at: Date, ...minutes: readonly number[]): Date[] {
  return minutes.map((minute) => new Date(at.getTime() + minute * MINUTE_MS));
}

export const scheduleTimeCases: readonly ContractCase[] = [
  overChanges(
    "a tick at a skipped time comes at the end of the gap, one at a repeated time comes the first time",
    { cron: "30 2 * * *", timezone: "Europe/Berlin" },
    ({ at, shiftMs }) => [shiftMs > 0 ? at : new Date(at.getTime() - 30 * MINUTE_MS)],
  ),
  overChanges(
    "a tick at a time that a half-hour clock change repeats comes the first time",
    { cron: "45 1 * * *", timezone: "Australia/Lord_Howe" },
    // The clocks go back from 2:00 to 1:30. In spring they skip from 2:00 to 2:30, after this tick.
    ({ at }) => [new Date(at.getTime() - 15 * MINUTE_MS)],
  ),
  overChanges(
    "times of a list are skipped together and come as one, or are repeated and come once each",
    { cron: "0,30 2 * * *", timezone: "Europe/Berlin" },
    ({ at, shiftMs }) => (shiftMs > 0 ? [at] : minutesFrom(at, -60, -30)),
  ),
  overChanges(
    "steps within an hour that the clocks skip or repeat are bound to it",
    { cron: "*/20 2 * * *", timezone: "Europe/Berlin" },
    ({ at, shiftMs }) => (shiftMs > 0 ? [at] : minutesFrom(at, -60, -40, -20)),
  ),
  overChanges(
    "of a range of hours, only the skipped one comes late, and only the repeated one could come twice",
    { cron: "30 2-3 * * *", timezone: "Europe/Berlin" },
    ({ at, shiftMs }) => (shiftMs > 0 ? minutesFrom(at, 0, 30) : minutesFrom(at, -30, 90)),
  ),
  overChanges(
    "a skipped time comes even if the gap ends on the next day",
    { cron: "30 23 * * *", timezone: "America/Nuuk" },
    ({ at, shiftMs }) => (shiftMs > 0 ? [at] : minutesFrom(at, -30)),
  ),
  overChanges(
    "a schedule of all hours ticks in both passes of a repeated hour, however it says so",
    { cron: "15 0-23 * * *", timezone: "Europe/Berlin" },
    (_change, [after, until]) => every(HOUR_MS, [after - 45 * MINUTE_MS, until - 45 * MINUTE_MS]),
  ),
  overChanges(
    "an hourly schedule ticks every hour across a clock change",
    { cron: "0 * * * *", timezone: "Europe/Berlin" },
    (_change, window) => every(HOUR_MS, window),
  ),
  overChanges(
    "a half-hourly schedule ticks every half-hour across a half-hour clock change",
    { cron: "*/30 * * * *", timezone: "Australia/Lord_Howe" },
    (_change, window) => every(HOUR_MS / 2, window),
  ),
];

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cronCases, transitionsOf } from "../support/cron-oracle.ts";
import { oracleAround, ticksAround } from "../support/cron-ticks.ts";

// Every run tries the same expressions. CRON_SEED=<a number> tries others, CRON_RUNS=<a number> more.

const seed = Number(process.env["CRON_SEED"] ?? 20_261_129);
const numRuns = Number(process.env["CRON_RUNS"] ?? 120);
process.stdout.write(
  `cron: CRON_SEED=${seed} CRON_RUNS=${numRuns} npx vitest run cron-rule.test\n`,
);

/** Clock changes unlike most others. */
const peculiar = [
  // By half an hour.
  ...transitionsOf("Australia/Lord_Howe", 2020, 2023),
  // By two hours.
  ...transitionsOf("Antarctica/Troll", 2020, 2023),
  // For the month of Ramadan.
  ...transitionsOf("Africa/Casablanca", 2020, 2030),
  // At midnight.
  ...transitionsOf("America/Sao_Paulo", 2015, 2019),
  ...transitionsOf("Asia/Beirut", 2020, 2023),
  ...transitionsOf("America/Asuncion", 2018, 2021),
  // By a whole day.
  ...transitionsOf("Pacific/Apia", 2011, 2011),
  ...transitionsOf("Pacific/Fakaofo", 2011, 2011),
  ...transitionsOf("Pacific/Kwajalein", 1993, 1993),
  ...transitionsOf("Pacific/Kiritimati", 1994, 1995),
  // For good, some by a quarter of an hour.
  ...transitionsOf("Asia/Pyongyang", 2015, 2018),
  ...transitionsOf("Asia/Kathmandu", 1985, 1986),
  ...transitionsOf("America/Caracas", 2007, 2016),
];

const ofAllZones = Intl.supportedValuesOf("timeZone").flatMap((zone) =>
  transitionsOf(zone, 2026, 2026),
);

test("random expressions tick by the rule when clocks change", { timeout: 600_000 }, () => {
  expect(peculiar.length).toBeGreaterThan(60);
  expect(ofAllZones.length).toBeGreaterThan(200);
  const transitions = fc.oneof(fc.constantFrom(...peculiar), fc.constantFrom(...ofAllZones));
  fc.assert(
    fc.property(
      fc.array(cronCases, { minLength: 4, maxLength: 4 }),
      transitions,
      (cases, change) => {
        const expected = oracleAround(change);
        for (const expression of cases) {
          expect(ticksAround(change, expression.cron)).toEqual(expected(expression));
        }
      },
    ),
    { seed, numRuns },
  );
});

test.each([
  ["30 2,14 * * *", "Europe/Berlin", "2026-03-29", ["01:00", "12:30"]],
  ["30 2,14 * * *", "Europe/Berlin", "2026-10-25", ["00:30", "13:30"]],
  ["0,30 2 * * *", "Europe/Berlin", "2026-03-29", ["01:00"]],
  ["0,30 2 * * *", "Europe/Berlin", "2026-10-25", ["00:00", "00:30"]],
  ["30 2-3 * * *", "Europe/Berlin", "2026-03-29", ["01:00", "01:30"]],
  ["30 2-3 * * *", "Europe/Berlin", "2026-10-25", ["00:30", "02:30"]],
  ["*/20 2 * * *", "Europe/Berlin", "2026-03-29", ["01:00"]],
  ["*/20 2 * * *", "Europe/Berlin", "2026-10-25", ["00:00", "00:20", "00:40"]],
  ["0 0 29 3 *", "Asia/Beirut", "2026-03-28", ["22:00"]],
  ["15 0 * * SUN", "Asia/Beirut", "2026-03-28", ["22:00"]],
  ["45 1 * * *", "Australia/Lord_Howe", "2026-04-04", ["14:45"]],
  ["10,40 2 * * *", "Australia/Lord_Howe", "2026-10-03", ["15:30", "15:40"]],
  ["30 1-2 * * *", "Antarctica/Troll", "2026-03-29", ["01:00", "23:30"]],
  ["0 12 * * *", "Pacific/Apia", "2011-12-30", ["10:00", "22:00"]],
  ["0 12 30 12 *", "Pacific/Apia", "2011-12-30", ["10:00"]],
  ["0 * 30 12 *", "Pacific/Apia", "2011-12-30", []],
])("%s in %s on %s", (cron, timezone, day, times) => {
  const ticks = ticksAround({ timezone, at: Date.parse(day) }, cron);
  const onDay = ticks.filter((tick) => tick.startsWith(day));
  expect(onDay.map((tick) => tick.slice(11, 16))).toEqual(times);
});

test.each(["*", "0-23", "*/1", "0-11,12-23"])(
  "an expression whose hours are %s ticks in both passes of a repeated hour",
  (hours) => {
    const change = { timezone: "Europe/Berlin", at: Date.parse("2026-10-25") };
    const ticks = ticksAround(change, `30 ${hours} * * *`);
    const local = ticks.filter((tick) => /^2026-10-25T0[01]:30/.test(tick));
    expect(local).toHaveLength(2);
  },
);

// Computes the ticks of a cron expression minute by minute. It shares no code with the implementation: the
// fields come as lists, not as text, and local times come from Intl's parts.

import * as fc from "fast-check";

export interface CronCase {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** `undefined` is `*`. */
  readonly days: readonly number[] | undefined;
  readonly months: readonly number[] | undefined;
  readonly weekdays: readonly number[] | undefined;
  /** The same expression as text, in one of many spellings. */
  readonly cron: string;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** One whole minute of UTC, and what the zone's clocks show then. */
interface Minute {
  readonly time: number;
  /** The local time as the number of minutes from an epoch of its own. */
  readonly local: number;
}

/** Every minute from `from` to `until`. */
export function minutesOf(timezone: string, from: number, until: number): readonly Minute[] {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: timezone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  });
  const minutes: Minute[] = [];
  for (let time = Math.ceil(from / MINUTE) * MINUTE; time <= until; time += MINUTE) {
    const shown: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(time)) shown[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = shown;
    minutes.push({ time, local: Date.UTC(year, month - 1, day, hour, minute) / MINUTE });
  }
  return minutes;
}

/**
 * The expected ticks. An expression of all hours ticks whenever the clocks show one of its times. Any
 * other ticks when the clocks show a time of it, or skip it, that they never showed or skipped before.
 *
 * @param minutes the first day of them only shows what the clocks have shown before
 */
export function expectedTicks(expression: CronCase, minutes: readonly Minute[]): string[] {
  const everyHour = expression.hours.length === 24;
  const ticks: string[] = [];
  const begin = (minutes[0]?.time ?? 0) + DAY;
  let latest = (minutes[0]?.local ?? 0) - 1;
  for (const { time, local } of minutes) {
    let isTick = false;
    if (everyHour) isTick = isTime(expression, local);
    else {
      for (let passed = latest + 1; passed <= local; passed++)
        isTick ||= isTime(expression, passed);
    }
    latest = Math.max(latest, local);
    if (isTick && time >= begin) ticks.push(new Date(time).toISOString());
  }
  return ticks;
}

function isTime({ minutes, hours, days, months, weekdays }: CronCase, local: number): boolean {
  if (!minutes.includes(local % 60) || !hours.includes(Math.floor(local / 60) % 24)) return false;
  const shown = new Date(local * MINUTE);
  if (months && !months.includes(shown.getUTCMonth() + 1)) return false;
  const isDay = days?.includes(shown.getUTCDate());
  const isWeekday = weekdays?.includes(shown.getUTCDay());
  if (isDay === undefined || isWeekday === undefined) return isDay ?? isWeekday ?? true;
  return isDay || isWeekday;
}

/** A clock change in a time zone. */
export interface Transition {
  readonly timezone: string;
  readonly at: number;
}

/** The days of a zone's clock changes between two years. */
export function transitionsOf(timezone: string, firstYear: number, lastYear: number): Transition[] {
  const format = new Intl.DateTimeFormat("en", { timeZone: timezone, timeZoneName: "longOffset" });
  const offsetAt = (time: number) => format.format(time).split("GMT")[1];
  const transitions: Transition[] = [];
  // Some zones change their clocks for a month only.
  const step = 10 * DAY;
  for (let time = Date.UTC(firstYear, 0, 1); time < Date.UTC(lastYear + 1, 0, 1); time += step) {
    if (offsetAt(time) === offsetAt(time + step)) continue;
    for (let day = time; day < time + step; day += DAY) {
      if (offsetAt(day) !== offsetAt(day + DAY)) transitions.push({ timezone, at: day });
    }
  }
  return transitions;
}

/** A field's values and one spelling of them. */
interface Spelled {
  readonly values: readonly number[];
  readonly text: string;
}

export function range(first: number, last: number, step = 1): number[] {
  const values: number[] = [];
  for (let value = first; value <= last; value += step) values.push(value);
  return values;
}

function fieldOf(first: number, last: number): fc.Arbitrary<Spelled> {
  const value = fc.integer({ min: first, max: last });
  const bounds = fc
    .tuple(value, value)
    .map(([one, other]) => [one, other].toSorted((a, b) => a - b));
  const step = fc.integer({ min: 2, max: Math.max(2, Math.floor((last - first) / 2)) });
  const item = fc.oneof(
    value.map((only) => ({ values: [only], text: `${only}` })),
    bounds.map(([low = first, high = last]) => ({
      values: range(low, high),
      text: `${low}-${high}`,
    })),
    fc.tuple(bounds, step).map(([[low = first, high = last], by]) => ({
      values: range(low, high, by),
      text: `${low}-${high}/${by}`,
    })),
  );
  return fc.oneof(
    { weight: 4, arbitrary: fc.array(item, { minLength: 1, maxLength: 3 }).map(joined) },
    {
      weight: 1,
      arbitrary: step.map((by) => ({ values: range(first, last, by), text: `*/${by}` })),
    },
  );
}

function joined(items: readonly Spelled[]): Spelled {
  return {
    values: items.flatMap(({ values }) => values),
    text: items.map(({ text }) => text).join(","),
  };
}

const allHours: fc.Arbitrary<Spelled> = fc
  .constantFrom("*", "0-23", "*/1", "0-11,12-23", "0-23/2,1-23/2")
  .map((text) => ({ values: range(0, 23), text }));

/** Hours in which clocks change. */
const nightHours: fc.Arbitrary<Spelled> = fc
  .uniqueArray(fc.constantFrom(0, 1, 2, 3, 23), { minLength: 1, maxLength: 3 })
  .map((values) => ({ values, text: values.join(",") }));

const any = fc.constant<Spelled | undefined>(undefined);

/** Expressions, most of which have ticks around midnight. */
export const cronCases: fc.Arbitrary<CronCase> = fc
  .record({
    minutes: fc.oneof(fieldOf(0, 59), fc.constant({ values: range(0, 59), text: "*" })),
    hours: fc.oneof(
      { weight: 3, arbitrary: nightHours },
      { weight: 2, arbitrary: fieldOf(0, 23) },
      { weight: 1, arbitrary: allHours },
    ),
    days: fc.oneof({ weight: 3, arbitrary: any }, fieldOf(1, 31)),
    months: fc.oneof({ weight: 4, arbitrary: any }, fieldOf(1, 12)),
    weekdays: fc.oneof(
      { weight: 3, arbitrary: any },
      fieldOf(0, 6),
      fc.constant({ values: [5, 6, 0], text: "FRI-SUN" }),
    ),
  })
  .map(({ minutes, hours, days, months, weekdays }) => ({
    minutes: [...new Set(minutes.values)],
    hours: [...new Set(hours.values)],
    days: days?.values,
    months: months?.values,
    weekdays: weekdays?.values,
    cron: [minutes, hours, days, months, weekdays].map((field) => field?.text ?? "*").join(" "),
  }));

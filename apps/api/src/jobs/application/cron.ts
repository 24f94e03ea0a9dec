import { type CronFields, neverTicks, type ParsedCron, parseCron } from "./cron-text.ts";
import { createTimeSlices } from "./time-slices.ts";
import { parseTimezone } from "./time-zones.ts";

// When a schedule ticks. Clocks that change skip some local times and repeat others. The rule:
//
// - An expression of all 24 hours ticks whenever the clocks show one of its times. In a repeated hour it
//   ticks in both passes.
// - Any other expression is bound to hours. Each of its times comes once: when the clocks first show it or
//   move past it. A repeated time comes in the first pass. Skipped times come at the end of the gap, as one
//   tick.
//
// docs/adr/0018-clock-changes.md says why, and why no library keeps this rule.

export interface CronSchedule {
  /** Five fields: minute, hour, day of month, month, day of week. Or a macro such as `@daily`. */
  readonly cron: string;
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly timezone: string;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** From one February 29 to the next, over a year such as 2100. */
const RAREST_DAYS = 8 * 366;

/**
 * Returns the schedule with its texts in their normal form.
 *
 * @throws Error that says what is wrong and how to write it instead
 */
export function normalSchedule<S extends CronSchedule>(schedule: S): S {
  const { text, fields } = readCron(schedule.cron);
  if (neverTicks(fields))
    throw new Error(`schedule "${text}" never ticks: no month has such a day`);
  const timezone = parseTimezone(schedule.timezone);
  const isNormal = text === schedule.cron && timezone === schedule.timezone;
  return isNormal ? schedule : { ...schedule, cron: text, timezone };
}

function readCron(cron: string): ParsedCron {
  try {
    return parseCron(cron);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`schedule "${cron}" is not a cron expression: ${reason}`, { cause });
  }
}

/** Returns the first tick strictly after `after`, or `null`. */
export function nextTick(schedule: CronSchedule, after: Date): Date | null {
  const compiled = compile(schedule);
  const time = after.getTime();
  // Schedulers call this often. Until the tick that was found last, the answer stays the same.
  if (!(time >= compiled.asked && time < compiled.answer)) {
    compiled.answer = findTick(compiled, time);
    compiled.asked = time;
  }
  return Number.isFinite(compiled.answer) ? new Date(compiled.answer) : null;
}

/** Whether the whole minute `minute` is a tick. */
export function isTick(schedule: CronSchedule, minute: Date): boolean {
  return nextTick(schedule, new Date(minute.getTime() - 1))?.getTime() === minute.getTime();
}

/** The ticks after `after`, up to and including `until`, and at most `limit` of them. */
export function* ticksBetween(
  schedule: CronSchedule,
  after: Date,
  until: Date,
  limit: number = Number.POSITIVE_INFINITY,
): Generator<Date, void> {
  let tick = nextTick(schedule, after);
  for (let count = 0; count < limit && tick && tick <= until; count++) {
    yield tick;
    tick = nextTick(schedule, tick);
  }
}

/**
 * Finds the next tick of many schedules, in turns with all other work. Until that tick, `nextTick` and
 * `isTick` then answer at once.
 */
export async function findNextTicks(
  schedules: readonly CronSchedule[],
  after: Date = new Date(),
): Promise<void> {
  const turn = createTimeSlices();
  for (const schedule of schedules) {
    nextTick(schedule, after);
    await turn();
  }
}

interface Compiled {
  readonly fields: CronFields;
  readonly everyHour: boolean;
  readonly zone: Zone;
  /** `answer` is the first tick after `asked`. */
  asked: number;
  answer: number;
}

const compiledSchedules = new WeakMap<CronSchedule, Compiled>();

function compile(schedule: CronSchedule): Compiled {
  const known = compiledSchedules.get(schedule);
  if (known) return known;
  const { fields } = readCron(schedule.cron);
  const compiled: Compiled = {
    fields,
    everyHour: fields.hours.length === 24,
    zone: zoneOf(schedule.timezone),
    asked: Number.POSITIVE_INFINITY,
    answer: Number.NEGATIVE_INFINITY,
  };
  compiledSchedules.set(schedule, compiled);
  return compiled;
}

function findTick({ fields, everyHour, zone }: Compiled, after: number): number {
  const first = Math.floor((after + 1) / DAY_MS);
  for (let day = first; day <= first + RAREST_DAYS; day++) {
    // The local date is at most a day away from the UTC date.
    if (!hasMonth(fields, day - 1) && !hasMonth(fields, day + 1)) {
      day = Math.max(day, firstOfNextMonth(day + 1) - 2);
      continue;
    }
    if (!hasDate(fields, day - 1) && !hasDate(fields, day) && !hasDate(fields, day + 1)) continue;
    for (const { start, end, offset, highWater } of stretchesOf(zone, day)) {
      const isAhead = start > after;
      if (!everyHour && isAhead && firstMatch(fields, highWater, start + offset) !== undefined) {
        return start;
      }
      const from = Math.max(start, after + 1) + offset;
      const match = firstMatch(fields, everyHour ? from : Math.max(from, highWater), end + offset);
      if (match !== undefined) return match - offset;
    }
  }
  return Number.POSITIVE_INFINITY;
}

// A local time is the Unix time, in milliseconds, at which a UTC clock shows the same. Dates are days since 1970.

/** The first whole minute from `from` to before `until`, both local, that the fields contain. */
function firstMatch(fields: CronFields, from: number, until: number): number | undefined {
  for (let date = Math.floor(from / DAY_MS); date * DAY_MS < until; date++) {
    if (!hasDate(fields, date)) continue;
    const earliest = Math.max(0, Math.ceil((from - date * DAY_MS) / MINUTE_MS));
    for (const hour of fields.hours) {
      if (hour * 60 + 59 < earliest) continue;
      const minute = fields.minutes.find((value) => hour * 60 + value >= earliest);
      if (minute === undefined) continue;
      const match = date * DAY_MS + (hour * 60 + minute) * MINUTE_MS;
      return match < until ? match : undefined;
    }
  }
  return undefined;
}

function hasDate(fields: CronFields, date: number): boolean {
  const { days, months, weekdays, anyDay, anyWeekday } = fields;
  const calendar = new Date(date * DAY_MS);
  if (!months.has(calendar.getUTCMonth() + 1)) return false;
  const isDay = days.has(calendar.getUTCDate());
  const isWeekday = weekdays.has(calendar.getUTCDay());
  return anyDay || anyWeekday ? isDay && isWeekday : isDay || isWeekday;
}

function hasMonth({ months }: CronFields, date: number): boolean {
  return months.has(new Date(date * DAY_MS).getUTCMonth() + 1);
}

function firstOfNextMonth(date: number): number {
  const calendar = new Date(date * DAY_MS);
  return Date.UTC(calendar.getUTCFullYear(), calendar.getUTCMonth() + 1, 1) / DAY_MS;
}

/** A stretch of time in which the zone's clocks do not change. */
interface Stretch {
  readonly start: number;
  readonly end: number;
  /** Local time minus UTC. */
  readonly offset: number;
}

/** A stretch, and the latest local time that the clocks showed before its `start`. */
interface DatedStretch extends Stretch {
  readonly highWater: number;
}

interface Zone {
  readonly offsetAt: (time: number) => number;
  /** The stretches found so far, by UTC day since 1970. */
  readonly split: Map<number, readonly Stretch[]>;
  readonly dated: Map<number, readonly DatedStretch[]>;
}

const zones = new Map<string, Zone>();

/** Enough for three weeks of back-fill of every schedule. */
const REMEMBERED_DAYS = 100;

function zoneOf(timezone: string): Zone {
  const known = zones.get(timezone);
  if (known) return known;
  const zone = { offsetAt: offsetsOf(timezone), split: new Map(), dated: new Map() };
  zones.set(timezone, zone);
  return zone;
}

/** The stretches of one UTC day. */
function stretchesOf(zone: Zone, day: number): readonly DatedStretch[] {
  return remembered(zone.dated, day, () => {
    // Clocks were never put back by more than a day.
    const before = [...splitDay(zone, day - 2), ...splitDay(zone, day - 1)];
    let highWater = Math.max(...before.map(({ end, offset }) => end + offset));
    return splitDay(zone, day).map(({ start, end, offset }) => {
      const dated = { start, end, offset, highWater };
      highWater = Math.max(highWater, end + offset);
      return dated;
    });
  });
}

function splitDay({ offsetAt, split }: Zone, day: number): readonly Stretch[] {
  return remembered(split, day, () => {
    const dayEnd = (day + 1) * DAY_MS;
    const stretches: Stretch[] = [];
    let start = day * DAY_MS;
    while (start < dayEnd) {
      const offset = offsetAt(start);
      const end = offsetAt(dayEnd) === offset ? dayEnd : endOfOffset(offsetAt, start, dayEnd);
      stretches.push({ start, end, offset });
      start = end;
    }
    return stretches;
  });
}

/** The second in which the clocks change, which they do between `start` and `end`. */
function endOfOffset(offsetAt: Zone["offsetAt"], start: number, end: number): number {
  let [before, after] = [start, end];
  while (after - before > 1_000) {
    const middle = before + Math.floor((after - before) / 2_000) * 1_000;
    if (offsetAt(middle) === offsetAt(start)) before = middle;
    else after = middle;
  }
  return after;
}

function remembered<T>(memory: Map<number, T>, day: number, find: () => T): T {
  const known = memory.get(day);
  if (known !== undefined) return known;
  const found = find();
  if (memory.size >= REMEMBERED_DAYS) memory.clear();
  memory.set(day, found);
  return found;
}

function offsetsOf(timezone: string): Zone["offsetAt"] {
  if (timezone === "UTC") return () => 0;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    timeZoneName: "longOffset",
  });
  return (time) => {
    const [, sign, hours = 0, minutes = 0, seconds = 0] =
      /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(time)) ?? [];
    const size = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
    return sign === "-" ? -size : size;
  };
}

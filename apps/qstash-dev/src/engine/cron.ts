import { Cron, CronPattern } from "croner";

/** A parsed cron expression. */
export interface CronExpression {
  /** The first tick after a time. */
  next(after: number): number | undefined;
}

const DAY_MS = 86_400_000;

/**
 * Parses five fields in UTC, or in a timezone after `CRON_TZ=Europe/Berlin`.
 *
 * QStash does not document what its schedules do when clocks change. Here, an expression of all hours goes
 * on as before. Any other ticks once per local time: a skipped time at the end of the gap, a repeated time
 * in its first pass.
 */
export function parseCron(text: string): CronExpression | undefined {
  const [, timezone = "UTC", pattern = ""] =
    /^(?:(?:CRON_)?TZ=(\S+)\s+)?(.+)$/.exec(text.trim()) ?? [];
  const [minute = "", , ...dates] = pattern.split(/\s+/);
  if (dates.length !== 3) return undefined;
  try {
    const { minute: minutes, hour: hours } = new CronPattern(pattern, timezone, { mode: "5-part" });
    const everyHour = hours.every(Boolean);
    // croner takes lists for fixed times, and `*` and steps for intervals.
    const times = everyHour ? [minute, "*"] : [listOf(minutes), listOf(hours)];
    const inZone = (zone: string) =>
      new Cron([...times, ...dates].join(" "), {
        timezone: zone,
        paused: true,
        mode: "5-part",
        fixedTimeRule: "no-wildcard",
      });
    const cron = inZone(timezone);
    // The constructor accepts unknown timezones.
    cron.nextRun();
    const next = (after: number) => cron.nextRun(new Date(after))?.getTime();
    if (everyHour) return { next };
    const shown = inZone("UTC");
    return { next: (after) => endOfGap(timezone, shown, after, next(after)) ?? next(after) };
  } catch {
    return undefined;
  }
}

/** The values that are set, e.g. `0,15,30,45`. */
function listOf(flags: readonly number[]): string {
  return flags.flatMap((flag, value) => (flag ? [value] : [])).join(",");
}

/**
 * The end of the first gap between two times that skips a tick. croner drops a skipped tick if the gap ends
 * on another day, as in America/Nuuk.
 *
 * @param shown the expression in UTC, which matches local times
 */
function endOfGap(
  timezone: string,
  shown: Cron,
  after: number,
  until: number = after,
): number | undefined {
  const offsetAt = offsetsOf(timezone);
  for (let start = after; start < until; start += DAY_MS) {
    const [before, behind] = [offsetAt(start), offsetAt(Math.min(start + DAY_MS, until))];
    if (before >= behind) continue;
    let [early, gap] = [start, Math.min(start + DAY_MS, until)];
    while (gap - early > 1) {
      const middle = Math.floor((early + gap) / 2);
      if (offsetAt(middle) === before) early = middle;
      else gap = middle;
    }
    const skipped = shown.nextRun(new Date(gap + before - 1));
    if (skipped && skipped.getTime() < gap + behind) return gap;
  }
  return undefined;
}

/** Returns a function from a time to the zone's offset from UTC, in milliseconds. */
function offsetsOf(timezone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat("en", { timeZone: timezone, timeZoneName: "longOffset" });
  return (time) => {
    const [, sign = "+", hours = 0, minutes = 0] =
      /GMT(?:([+-])(\d\d):(\d\d))?/.exec(format.format(time)) ?? [];
    return Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  };
}

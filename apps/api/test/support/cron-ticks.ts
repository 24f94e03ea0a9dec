import { nextTick } from "#src/jobs/application/cron.ts";
import { type CronCase, expectedTicks, minutesOf, type Transition } from "./cron-oracle.ts";

const DAY = 86_400_000;

/** The ticks from two days before the change to two days after it. */
export function ticksAround({ timezone, at }: Transition, cron: string): string[] {
  const schedule = { cron, timezone };
  const ticks: string[] = [];
  let tick = nextTick(schedule, new Date(at - 2 * DAY - 1));
  while (tick && tick.getTime() <= at + 2 * DAY) {
    ticks.push(tick.toISOString());
    tick = nextTick(schedule, tick);
  }
  return ticks;
}

/** The oracle's ticks for the same days. The oracle also needs the day before. */
export function oracleAround({ timezone, at }: Transition): (expression: CronCase) => string[] {
  const minutes = minutesOf(timezone, at - 3 * DAY, at + 2 * DAY);
  return (expression) => expectedTicks(expression, minutes);
}

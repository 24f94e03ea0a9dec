import { nextTick } from "#src/jobs/application/cron.ts";
import { type CronCase, expectedTicks, minutesOf, type Transition } from "./cron-oracle.ts";

const DAY = 86_400_000;

/** The ticks from two days before to two days after the change. */
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

/** What the oracle expects of the same days. It also has to see the day before. */
export function oracleAround({ timezone, at }: Transition): (expression: CronCase) => string[] {
  const minutes = minutesOf(timezone, at - 3 * DAY, at + 2 * DAY);
  return (expression) => expectedTicks(expression, minutes);
}

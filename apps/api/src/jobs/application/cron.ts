import { Cron } from "croner";

export interface CronSchedule {
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly timezone: string;
}

/** Explains why a schedule can never tick, or returns `null`. */
export function cronProblem({ cron, timezone }: CronSchedule): string | null {
  if (cron.trim().split(/\s+/).length !== 5) {
    return `schedule "${cron}" must have five fields: minute hour day-of-month month day-of-week`;
  }
  try {
    Intl.DateTimeFormat("en", { timeZone: timezone });
  } catch {
    return `timezone "${timezone}" is not an IANA time zone such as "Europe/Berlin"`;
  }
  try {
    return nextTick({ cron, timezone }, new Date()) ? null : `schedule "${cron}" never ticks`;
  } catch (cause) {
    return `schedule "${cron}" is not a cron expression: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

/** Returns the first tick strictly after `after`, or `null`. */
export function nextTick({ cron, timezone }: CronSchedule, after: Date): Date | null {
  return new Cron(cron, { timezone, mode: "5-part", paused: true }).nextRun(after);
}

/**
 * Whether the whole minute `minute` is a tick. Uses {@link nextTick} instead of matching fields, so that
 * clock changes have one rule.
 */
export function isTick(schedule: CronSchedule, minute: Date): boolean {
  return nextTick(schedule, new Date(minute.getTime() - 1))?.getTime() === minute.getTime();
}

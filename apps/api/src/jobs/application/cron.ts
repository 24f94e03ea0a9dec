import { Cron } from "croner";

export interface CronSchedule {
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly timezone: string;
}

/** The reason why this is no schedule that can ever tick, or `null`. */
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
    return nextTick({ cron, timezone }, new Date()) ? null : `schedule "${cron}" never comes`;
  } catch (cause) {
    return `schedule "${cron}" is not a cron expression: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

/** The first tick strictly after `after`, or `null` when there is none. */
export function nextTick({ cron, timezone }: CronSchedule, after: Date): Date | null {
  return new Cron(cron, { timezone, mode: "5-part", paused: true }).nextRun(after);
}

/**
 * Whether the whole minute `minute` is a tick. Asked through {@link nextTick} rather than by
 * matching fields, so that both daylight-saving changes are treated alike everywhere.
 */
export function isTick(schedule: CronSchedule, minute: Date): boolean {
  return nextTick(schedule, new Date(minute.getTime() - 1))?.getTime() === minute.getTime();
}

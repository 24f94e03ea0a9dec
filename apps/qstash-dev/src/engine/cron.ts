import { Cron } from "croner";

/** A cron expression that knows its next tick. */
export interface CronExpression {
  next(after: number): number | undefined;
}

/** Reads five fields in UTC, or `CRON_TZ=Europe/Berlin` and five fields; undefined when it is none. */
export function parseCron(text: string): CronExpression | undefined {
  const [, timezone = "UTC", pattern = ""] =
    /^(?:(?:CRON_)?TZ=(\S+)\s+)?(.+)$/.exec(text.trim()) ?? [];
  if (pattern.split(/\s+/).length !== 5) return undefined;
  try {
    const cron = new Cron(pattern, { timezone, paused: true, mode: "5-part" });
    // An unknown timezone only shows now.
    cron.nextRun();
    return { next: (after) => cron.nextRun(new Date(after))?.getTime() };
  } catch {
    return undefined;
  }
}

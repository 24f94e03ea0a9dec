import { type ParsedCronItem, parseCronItems } from "graphile-worker";
import { isTick } from "../../application/cron.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import { SCHEDULED } from "./marks.ts";
import { taskName } from "./task-name.ts";

/** The registry's schedules as graphile-worker wants them. */
export function cronItems(registry: JobRegistry): ParsedCronItem[] {
  return parseCronItems(
    registry.flatMap(({ name, version, schedule, maxAttempts, priority = 0 }) =>
      schedule
        ? [
            {
              task: taskName({ name }, version),
              // A changed schedule is a new one: its past ticks were never missed.
              identifier: `${name} ${schedule.cron} ${schedule.timezone}`,
              match: (digest: Digest) => isTick(schedule, minuteOf(digest, new Date())),
              payload: { [SCHEDULED]: schedule.payload },
              options: { backfillPeriod: schedule.backfill, maxAttempts, priority },
            },
          ]
        : [],
    ),
  );
}

interface Digest {
  readonly month: number;
  readonly date: number;
  readonly hour: number;
  readonly min: number;
}

/** A digest is UTC and has no year; the minutes asked for are never far from now. */
function minuteOf({ month, date, hour, min }: Digest, now: Date): Date {
  const distance = (candidate: Date) => Math.abs(candidate.getTime() - now.getTime());
  return [-1, 0, 1]
    .map((years) => new Date(Date.UTC(now.getUTCFullYear() + years, month - 1, date, hour, min)))
    .reduce((nearest, candidate) =>
      distance(candidate) < distance(nearest) ? candidate : nearest,
    );
}

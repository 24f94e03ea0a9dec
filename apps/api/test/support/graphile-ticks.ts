import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { cronItems } from "#src/jobs/infrastructure/graphile/cron-items.ts";

/** Matches each cron item against each minute, as graphile-worker does. */
export function graphileTicks(definition: JobDefinition, after: Date, until: Date): Date[] {
  const [item] = cronItems(buildJobs([definition]));
  const ticks: Date[] = [];
  const first = Math.floor(after.getTime() / 60_000) * 60_000 + 60_000;
  for (let time = first; time <= until.getTime(); time += 60_000) {
    const minute = new Date(time);
    const digest = {
      month: minute.getUTCMonth() + 1,
      date: minute.getUTCDate(),
      hour: minute.getUTCHours(),
      min: minute.getUTCMinutes(),
      dow: minute.getUTCDay(),
    };
    if (item?.match(digest)) ticks.push(minute);
  }
  return ticks;
}

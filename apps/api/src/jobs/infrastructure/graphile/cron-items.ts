import { type ParsedCronItem, parseCronItems } from "graphile-worker";
import { isTick } from "../../application/cron.ts";
import type { JobDefinition, JobSchedule } from "../../application/job-definition.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { SqlExecutor } from "../../application/ports.ts";
import { taskName, wrapScheduled } from "./row-markers.ts";

export type ScheduledJob = JobDefinition & { readonly schedule: JobSchedule };

export function scheduledJobs(registry: JobRegistry): readonly ScheduledJob[] {
  return registry.filter((job): job is ScheduledJob => job.schedule !== undefined);
}

/** The name of a schedule in the database. A changed schedule is a new one, without missed ticks. */
export function identifierOf({ name, schedule }: ScheduledJob): string {
  return `${name} ${schedule.cron} ${schedule.timezone}`;
}

/**
 * The registry's schedules in graphile-worker's form. missed-ticks.ts makes up missed ticks instead.
 *
 * @param isUtf8 whether the database stores every character
 */
export function cronItems(registry: JobRegistry, isUtf8 = true): ParsedCronItem[] {
  return parseCronItems(
    scheduledJobs(registry).map((job) => {
      const { name, version, schedule, maxAttempts, priority = 0 } = job;
      return {
        task: taskName(name, version),
        identifier: identifierOf(job),
        match: (digest: Digest) => isTick(schedule, minuteOf(digest, new Date())),
        payload: wrapScheduled(schedule.payload, isUtf8),
        options: { backfillPeriod: 0, maxAttempts, priority },
      };
    }),
  );
}

/** A minute as graphile-worker asks for it: in UTC and without a year. */
interface Digest {
  readonly month: number;
  readonly date: number;
  readonly hour: number;
  readonly min: number;
}

/** Chooses the year that brings the minute nearest to now. graphile-worker never asks far from now. */
function minuteOf({ month, date, hour, min }: Digest, now: Date): Date {
  const time = now.getTime();
  const year = now.getUTCFullYear();
  const candidates = [year - 1, year, year + 1].map((it) =>
    Date.UTC(it, month - 1, date, hour, min),
  );
  const nearest = candidates.reduce((best, candidate) =>
    Math.abs(candidate - time) < Math.abs(best - time) ? candidate : best,
  );
  return new Date(nearest);
}

/**
 * Deletes graphile-worker's rows of schedules that are not in the registry. A schedule that comes back
 * would otherwise make up all ticks since it was removed. Keeps crontabs that ticked within five seconds:
 * an instance with other code may be about to make the same tick, and the row prevents a second job.
 */
export async function deleteStaleCrontabs(sql: SqlExecutor, registry: JobRegistry): Promise<void> {
  await sql.query(
    `delete from graphile_worker._private_known_crontabs
      where identifier <> all ($1::text[])
        and coalesce(last_execution, known_since) < now() - interval '5 seconds'`,
    [scheduledJobs(registry).map(identifierOf)],
  );
}

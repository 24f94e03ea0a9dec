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
 * Deletes graphile-worker's rows of schedules that left the registry. A schedule that comes back would
 * otherwise make up all ticks since it was removed. Keeps crontabs that ticked within five seconds: an
 * instance with other code may be about to make the same tick, and the row prevents a second job.
 *
 * Keeps the schedules of other services as well. A schedule is ours if its job is, or if the registry that
 * last registered it has a job in common with ours: then ours is a later one of the same service.
 */
export async function deleteStaleCrontabs(sql: SqlExecutor, registry: JobRegistry): Promise<void> {
  const identifiers = scheduledJobs(registry).map(identifierOf);
  // Every service has the library's own jobs.
  const jobs = registry.filter(({ feature }) => feature !== "jobs").map(({ name }) => name);
  await sql.query(
    `with stale as (
       delete from graphile_worker._private_known_crontabs known
        where identifier <> all ($1::text[])
          and coalesce(last_execution, known_since) < now() - interval '5 seconds'
          and (split_part(identifier, ' ', 1) = any ($2::text[])
               or exists (select from orbit_jobs.schedule_owners owner
                           where owner.identifier = known.identifier and owner.jobs && $2::text[]))
       returning identifier
     )
     delete from orbit_jobs.schedule_owners using stale where schedule_owners.identifier = stale.identifier`,
    [identifiers, jobs],
  );
  await sql.query(
    `insert into orbit_jobs.schedule_owners (identifier, jobs)
     select identifier, $2::text[] from unnest($1::text[]) as schedules (identifier)
     on conflict (identifier) do update set jobs = excluded.jobs
      where schedule_owners.jobs <> excluded.jobs`,
    [identifiers, jobs],
  );
}

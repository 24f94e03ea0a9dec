import { setTimeout as delay } from "node:timers/promises";
import type { ParsedCronItem, WorkerEvents } from "graphile-worker";
import { z } from "zod";
import { findNextTicks, ticksBetween } from "../../application/cron.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger, SqlExecutor } from "../../application/ports.ts";
import { createTimeSlices } from "../../application/time-slices.ts";
import type { EncodingCheck } from "../sql/text-encoding.ts";
import { cronItems, identifierOf, type ScheduledJob, scheduledJobs } from "./cron-items.ts";
import { taskName, wrapScheduled } from "./row-markers.ts";

// graphile-worker makes up missed ticks by asking every schedule about every minute, in one go. Three weeks
// of 60 schedules would block this process for so long that it loses its lease. So graphile-worker begins
// with an empty list of schedules. This file makes up their missed ticks, from tick to tick and in turns
// with all other work, and then puts the schedules into the list.

const MINUTE_MS = 60_000;

/** A statement with this many jobs takes some ten milliseconds. */
const TICKS_PER_STATEMENT = 500;

const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 10_000;

export interface Schedules {
  /** The list that graphile-worker reads every minute. */
  readonly items: ParsedCronItem[];
  stop(): void;
}

export interface SchedulesOptions {
  readonly registry: JobRegistry;
  readonly sql: SqlExecutor;
  readonly isUtf8: EncodingCheck;
  readonly log: JobLogger;
  /** The events of the graphile-worker that gets the list. */
  readonly events: WorkerEvents;
}

export function createSchedules({
  registry,
  sql,
  isUtf8,
  log,
  events,
}: SchedulesOptions): Schedules {
  const jobs = scheduledJobs(registry);
  const schedules = jobs.map(({ schedule }) => schedule);
  const items: ParsedCronItem[] = [];
  const ending = new AbortController();
  let lastRound = 0;

  /** Tries until the list is full, the worker ends, or graphile-worker's cron restarts. */
  async function fillList(): Promise<void> {
    items.length = 0;
    const round = ++lastRound;
    const isOver = () => round !== lastRound || ending.signal.aborted;
    for (let waitMs = RETRY_MIN_MS; !isOver(); waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
      try {
        const storesAll = await isUtf8(sql);
        await makeMissedTicks(sql, storesAll, jobs, isOver);
        // Must follow the last reading of the clock without an await: no minute may begin in between.
        if (!isOver()) items.push(...cronItems(registry, storesAll));
        return;
      } catch (err) {
        if (isOver()) return;
        log.warn({ err, nextTryInMs: waitMs }, "missed ticks not made up, trying again");
        await delay(waitMs, undefined, { signal: ending.signal }).catch(() => undefined);
      }
    }
  }

  if (jobs.length > 0) {
    // Also after an error of graphile-worker's cron: the ticks since then are missing.
    events.on("cron:starting", () => void fillList());
    // In the next minute, graphile-worker checks all schedules without a pause.
    events.on("cron:scheduled", () => void findNextTicks(schedules));
  }
  return { items, stop: () => ending.abort() };
}

async function makeMissedTicks(
  sql: SqlExecutor,
  isUtf8: boolean,
  jobs: readonly ScheduledJob[],
  isOver: () => boolean,
): Promise<void> {
  const madeUntil = await rememberSchedules(sql, jobs);
  const turn = createTimeSlices();
  let isFirstRound = true;
  let now: number;
  do {
    now = Date.now();
    for (const job of jobs) {
      if (isOver()) return;
      const identifier = identifierOf(job);
      const made = madeUntil.get(identifier);
      // A newer worker whose registry lacks the schedule has deleted it.
      if (made === undefined) continue;
      // Ticks during this loop are not missed, so the back-fill does not limit them.
      const oldest = isFirstRound ? now - job.schedule.backfill - 1 : made;
      await makeTicks(sql, isUtf8, job, Math.max(made, oldest), now);
      madeUntil.set(identifier, now);
      await turn();
    }
    isFirstRound = false;
  } while (Math.floor(Date.now() / MINUTE_MS) > Math.floor(now / MINUTE_MS));
}

const madeSchema = z.object({ identifier: z.string(), until: z.coerce.number() });

/** Stores new schedules. Returns the time up to which each schedule's ticks were made. */
async function rememberSchedules(
  sql: SqlExecutor,
  jobs: readonly ScheduledJob[],
): Promise<Map<string, number>> {
  const identifiers = jobs.map(identifierOf);
  await sql.query(
    `insert into graphile_worker._private_known_crontabs (identifier, known_since)
     select identifier, $2::timestamptz from unnest($1::text[]) as schedules (identifier)
     on conflict do nothing`,
    [identifiers, new Date().toISOString()],
  );
  // As a number: the text of a timestamp depends on the session's settings.
  const { rows } = await sql.query(
    `select identifier,
            trunc(extract(epoch from coalesce(last_execution, known_since)) * 1000)::text as until
       from graphile_worker._private_known_crontabs where identifier = any ($1::text[])`,
    [identifiers],
  );
  return new Map(
    z
      .array(madeSchema)
      .parse(rows)
      .map(({ identifier, until }) => [identifier, until]),
  );
}

async function makeTicks(
  sql: SqlExecutor,
  isUtf8: boolean,
  job: ScheduledJob,
  after: number,
  until: number,
): Promise<void> {
  let ticks: Date[] = [];
  for (const tick of ticksBetween(job.schedule, new Date(after), new Date(until))) {
    ticks.push(tick);
    if (ticks.length < TICKS_PER_STATEMENT) continue;
    await insertTicks(sql, isUtf8, job, ticks);
    ticks = [];
  }
  if (ticks.length > 0) await insertTicks(sql, isUtf8, job, ticks);
}

/**
 * Makes a job of each tick that no other worker has made. The schedule's row decides: it is locked, and
 * it has the last tick that was made.
 */
async function insertTicks(
  sql: SqlExecutor,
  isUtf8: boolean,
  job: ScheduledJob,
  ticks: readonly Date[],
): Promise<void> {
  const { name, version, schedule, maxAttempts, priority = 0 } = job;
  const [[wrapper, payload] = []] = Object.entries(wrapScheduled(schedule.payload, isUtf8));
  await sql.query(
    `with schedule as (
       select last_execution from graphile_worker._private_known_crontabs
        where identifier = $1::text for update
     ), missed as (
       select tick from schedule, unnest($2::timestamptz[]) as ticks (tick)
        where last_execution is null or last_execution < tick order by tick
     ), noted as (
       update graphile_worker._private_known_crontabs
          set last_execution = (select max(tick) from missed)
        where identifier = $1::text and exists (select from missed)
     )
     select from missed, lateral graphile_worker.add_job(
       $3::text,
       json_build_object(
         $7::text, $4::json,
         '_cron', json_build_object('ts', tick, 'backfilled', true)
       ),
       run_at := tick, max_attempts := $5::integer, priority := $6::integer)`,
    [
      identifierOf(job),
      ticks.map((tick) => tick.toISOString()),
      taskName(name, version),
      JSON.stringify(payload),
      maxAttempts,
      priority,
      wrapper,
    ],
  );
}

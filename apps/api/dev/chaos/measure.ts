import type { Pool } from "pg";
import { z } from "zod";
import { percentile } from "../../bench/measure.ts";
import type { Outage } from "./database.ts";
import { countOf, type Engine } from "./engines.ts";
import type { Death } from "./managed-process.ts";

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The results of one run. */
export interface Outcome {
  readonly jobs: number;
  /** Jobs that were certainly enqueued but have no effect. */
  readonly lost: number;
  /** Effects beyond the first of each job. */
  readonly duplicates: number;
  /** Effects of jobs from transactions that did not commit. */
  readonly phantoms: number;
  readonly runs: number;
  /** Runs beyond the first of each job, except those after an intended failure. */
  readonly extraRuns: number;
  /** Runs that a kill cut off, where the job had to begin again. */
  readonly cutOff: number;
  /** Seconds from the time when the next run was due until it began. */
  readonly recovery: Percentiles;
  /** Seconds from the end of an outage until the next run of any job. */
  readonly afterRestart: Percentiles;
  /** The longest wait of a job for its first run, in seconds. */
  readonly longestWait: number;
}

const COUNTS = {
  jobs: "select count(*)::integer as count from chaos_enqueued",
  lost: `select count(*)::integer as count from chaos_enqueued jobs
          where not exists (select from chaos_effects effects where effects.id = jobs.id)`,
  duplicates: "select (count(*) - count(distinct id))::integer as count from chaos_effects",
  // A direct enqueue is recorded only after it succeeded, so a kill in between proves nothing.
  phantoms: `select count(*)::integer as count from chaos_effects effects
              where effects.id not like 'direct-%'
                and not exists (select from chaos_enqueued jobs where jobs.id = effects.id)`,
  runs: "select count(*)::integer as count from chaos_runs",
  extraRuns: `select (count(*) filter (where not fails) -
                      count(distinct id) filter (where not fails))::integer as count from chaos_runs`,
  longestWait: `select coalesce(max(extract(epoch from first - enqueued_at)), 0)::float8 as count
                  from (select id, min(begun_at) as first from chaos_runs group by id) runs
                  join chaos_enqueued using (id) where id not like 'direct-%'`,
};

/** The kills and outages of one run. */
export interface History {
  readonly engine: Engine;
  readonly deaths: readonly Death[];
  readonly outages: readonly Outage[];
}

export async function measure(pool: Pool, history: History): Promise<Outcome> {
  const cutOff = await cutOffRuns(pool, history);
  return {
    jobs: await countOf(pool, COUNTS.jobs),
    lost: await countOf(pool, COUNTS.lost),
    duplicates: await countOf(pool, COUNTS.duplicates),
    phantoms: await countOf(pool, COUNTS.phantoms),
    runs: await countOf(pool, COUNTS.runs),
    extraRuns: await countOf(pool, COUNTS.extraRuns),
    longestWait: await countOf(pool, COUNTS.longestWait),
    cutOff: cutOff.length,
    recovery: percentilesOf(secondsAgain(cutOff)),
    afterRestart: percentilesOf(await secondsAfter(pool, history.outages)),
  };
}

const cutOffRows = z.array(
  z.object({
    life: z.string(),
    attempt: z.number(),
    next: z.date().nullable(),
    nextAttempt: z.number().nullable(),
    hasEffect: z.boolean(),
  }),
);

/**
 * Unfinished runs of killed lives. `seconds` is `undefined` if the job has no effect and never began again.
 */
async function cutOffRuns(
  pool: Pool,
  history: History,
): Promise<{ readonly seconds: number | undefined }[]> {
  const { rows } = await pool.query(
    `select runs.life, runs.attempt, later.begun_at as next, later.attempt as "nextAttempt",
            exists (select from chaos_effects effects where effects.id = runs.id) as "hasEffect"
       from chaos_runs runs
       left join lateral (select begun_at, attempt from chaos_runs later
                           where later.id = runs.id and later.begun_at > runs.begun_at
                           order by later.begun_at limit 1) later on true
      where runs.ended_at is null and runs.life = any($1)`,
    [history.deaths.map(({ life }) => life)],
  );
  return cutOffRows.parse(rows).flatMap<{ seconds: number | undefined }>((run) => {
    const { life, attempt, next, nextAttempt, hasEffect } = run;
    const killed = history.deaths.find((death) => death.life === life)?.at ?? 0;
    // The queue had already stored the job's completion, so nothing had to begin again.
    if (next === null) return hasEffect ? [] : [{ seconds: undefined }];
    // The killed worker had already lost this job to another worker.
    if (next.getTime() < killed) return [];
    const backOffMs = 1_000 * backOffSeconds(history.engine, attempt, nextAttempt ?? attempt + 1);
    const byPostgres = history.engine !== "qstash";
    const due = dueAt(killed, next.getTime(), backOffMs, history.outages, byPostgres);
    // A run that began early did not wait for the back-off or the outage, so it counts from the kill.
    const from = next.getTime() < due ? killed : due;
    return [{ seconds: (next.getTime() - from) / 1_000 }];
  });
}

function secondsAgain(runs: readonly { readonly seconds: number | undefined }[]): number[] {
  return runs.flatMap(({ seconds }) => (seconds === undefined ? [] : [seconds]));
}

/** Longer than it takes to notice a death and begin the freed jobs. */
const SLACK_MS = 3_000;

/**
 * The time when the next run was due. No run can begin during an outage, so a run that was due then is due at
 * its end. On graphile the back-off begins when the death is noticed, which an outage may delay as well.
 */
function dueAt(
  killed: number,
  next: number,
  backOffMs: number,
  outages: readonly Outage[],
  isNoticedByPostgres: boolean,
): number {
  let due = killed + backOffMs;
  for (const { from, to } of outages.toSorted((one, other) => one.from - other.from)) {
    if (to <= killed || to > next || from > due + SLACK_MS) continue;
    const isUnnoticed = isNoticedByPostgres && from < killed + SLACK_MS;
    due = Math.max(due, to + (isUnnoticed ? backOffMs : 0));
  }
  return due;
}

/**
 * The intended wait between the attempt that was cut off and the next recorded attempt. qstash does not wait
 * after the first three attempts, graphile not after the first. Any graphile attempts in between were claimed,
 * but their worker died before it recorded them.
 */
function backOffSeconds(engine: Engine, cutOff: number, next: number): number {
  const exp = (n: number) => Math.exp(Math.min(n, 10));
  if (engine === "qstash") return cutOff < 4 ? 0 : exp(cutOff - 2);
  let seconds = cutOff < 2 ? 0 : exp(cutOff);
  for (let attempt = cutOff + 1; attempt < next; attempt++) seconds += exp(attempt);
  return seconds;
}

async function secondsAfter(pool: Pool, outages: readonly Outage[]): Promise<number[]> {
  const seconds: number[] = [];
  for (const { to } of outages) {
    const { rows } = await pool.query<{ first: Date | null }>(
      "select min(begun_at) as first from chaos_runs where begun_at > $1",
      [new Date(to)],
    );
    const first = rows[0]?.first;
    if (first) seconds.push((first.getTime() - to) / 1_000);
  }
  return seconds;
}

function percentilesOf(values: readonly number[]): Percentiles {
  return {
    count: values.length,
    p50: percentile(values, 0.5),
    p99: percentile(values, 0.99),
    max: Math.max(...values),
  };
}

import type { Pool } from "pg";
import { z } from "zod";
import { percentile } from "../../bench/measure.ts";
import type { Outage } from "./database.ts";
import { countOf, type Engine } from "./engines.ts";
import type { Stall } from "./faults.ts";
import type { Death } from "./managed-process.ts";

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What became of the jobs. */
export interface Outcome {
  readonly jobs: number;
  /** Enqueued for certain, and without an effect. */
  readonly lost: number;
  /** Effects of a job beyond its first. */
  readonly duplicates: number;
  /** Effects of jobs whose transaction did not commit. */
  readonly phantoms: number;
  readonly runs: number;
  /** Runs beyond the first of their job, but for those that follow a failure on purpose. */
  readonly extraRuns: number;
  /** Runs that a kill cut off and whose job had to begin again. */
  readonly cutOff: number;
  /** From the kill to the next run's beginning, in seconds. */
  readonly recovery: Percentiles;
  /** From the moment when the database accepts connections again to the next run of any job. */
  readonly afterRestart: Percentiles;
  /** The longest that a job waited for its first run, in seconds. */
  readonly longestWait: number;
}

const COUNTS = {
  jobs: "select count(*)::integer as count from chaos_enqueued",
  lost: `select count(*)::integer as count from chaos_enqueued jobs
          where not exists (select from chaos_effects effects where effects.id = jobs.id)`,
  duplicates: "select (count(*) - count(distinct id))::integer as count from chaos_effects",
  // A direct enqueue is on the books a moment after it is in: a kill between the two proves nothing.
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

/** What was done to the processes and their database. */
export interface History {
  readonly engine: Engine;
  readonly deaths: readonly Death[];
  readonly outages: readonly Outage[];
  readonly stalls: readonly Stall[];
}

export async function measure(pool: Pool, history: History): Promise<Outcome> {
  const cutOff = await cutOffRuns(pool, history);
  const again = cutOff.flatMap(({ seconds }) => (seconds === undefined ? [] : [seconds]));
  return {
    jobs: await countOf(pool, COUNTS.jobs),
    lost: await countOf(pool, COUNTS.lost),
    duplicates: await countOf(pool, COUNTS.duplicates),
    phantoms: await countOf(pool, COUNTS.phantoms),
    runs: await countOf(pool, COUNTS.runs),
    extraRuns: await countOf(pool, COUNTS.extraRuns),
    longestWait: await countOf(pool, COUNTS.longestWait),
    cutOff: cutOff.length,
    recovery: percentilesOf(again),
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
 * Runs of lives that were killed, without an end. `seconds` is `undefined` when the job, without an
 * effect, was never begun again.
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
                           where later.id = runs.id and later.run > runs.run
                           order by later.run limit 1) later on true
      where runs.ended_at is null and runs.life = any($1)`,
    [history.deaths.map(({ life }) => life)],
  );
  return cutOffRows.parse(rows).flatMap<{ seconds: number | undefined }>((run) => {
    const { life, attempt, next, nextAttempt, hasEffect } = run;
    const killed = history.deaths.find((death) => death.life === life)?.at ?? 0;
    // Its effect was there and its end in the queue, too: nothing had to begin again.
    if (next === null) return hasEffect ? [] : [{ seconds: undefined }];
    // Another worker had it before this one was killed, which had lost it.
    if (next.getTime() < killed) return [];
    const backOffMs = 1_000 * backOffSeconds(history.engine, attempt, nextAttempt ?? attempt + 1);
    const due = dueAt(killed, next.getTime(), backOffMs, unseen(history, life, killed));
    return [{ seconds: Math.max(0, next.getTime() - due) / 1_000 }];
  });
}

/**
 * When nobody could tell or begin: Postgres was away, or it could not hear of the death of a process that was
 * killed while nothing passed between the two. QStash hears of that by another way.
 */
function unseen({ engine, outages, stalls }: History, life: string, killed: number) {
  if (engine === "qstash") return outages;
  const met = stalls.filter(
    ({ target, from, to }) => life.startsWith(`${target}#`) && from < killed && killed < to,
  );
  return [...outages, ...met];
}

/** In this time a death is noticed at the latest, and the back-off begins. */
const NOTICED_MS = 3_000;

/**
 * When the next run was due. Nobody can begin without a database: time counts from when there is one; so does
 * the back-off, when it was away before the death was noticed.
 */
function dueAt(
  killed: number,
  next: number,
  backOffMs: number,
  outages: readonly Outage[],
): number {
  const met = outages.filter(({ from, to }) => to > killed && from < next);
  const ends = met.map(({ from, to }) => to + (from < killed + NOTICED_MS ? backOffMs : 0));
  return Math.max(killed + backOffMs, ...ends);
}

/**
 * What is waited on purpose between the attempt that was cut off and the next that is known to have begun. Those
 * in between failed, or died, before they were on the books. Nothing is granted after the very first, and on
 * qstash nothing after the first three.
 */
function backOffSeconds(engine: Engine, cutOff: number, next: number): number {
  const steps = engine === "qstash" ? cutOff - 2 : cutOff;
  let seconds = steps < 2 ? 0 : Math.exp(Math.min(steps, 10));
  for (let attempt = cutOff + 1; attempt < next; attempt++) {
    seconds += Math.exp(Math.min(attempt, 10));
  }
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

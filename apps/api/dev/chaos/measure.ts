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
                           where later.id = runs.id and later.begun_at > runs.begun_at
                           order by later.begun_at limit 1) later on true
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
    const byPostgres = history.engine !== "qstash";
    const due = dueAt(killed, next.getTime(), backOffMs, history.outages, byPostgres);
    // What began before it was due was kept by nothing that is not to count.
    const from = next.getTime() < due ? killed : due;
    return [{ seconds: (next.getTime() - from) / 1_000 }];
  });
}

function secondsAgain(runs: readonly { readonly seconds: number | undefined }[]): number[] {
  return runs.flatMap(({ seconds }) => (seconds === undefined ? [] : [seconds]));
}

/** Longer than a death takes to be noticed, and what was freed to begin. */
const SLACK_MS = 3_000;

/**
 * When the next run was due. Nobody can begin without a database: what was to begin while it was away is due when
 * it is back. On graphile the back-off begins when the death is noticed, and that may have to wait as well.
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
 * What is waited on purpose between the attempt that was cut off and the next that is known to have begun: on
 * qstash nothing after the first three, else nothing after the very first. On graphile those in between were
 * claimed, and their worker died before they were on the books.
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

import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import { z } from "zod";

/** A job's payload: how long it takes and how it behaves. */
export const workSchema = z.object({
  id: z.string(),
  ms: z.number(),
  failsFirst: z.boolean(),
  heedsSignal: z.boolean(),
});

export type Work = z.infer<typeof workSchema>;

export const JOB_NAME = "chaos.work";

/** More attempts than faults can use up, so that no job may die. */
export const MAX_ATTEMPTS = 100;

/** Effects and runs have no unique constraint on the job's id, so that duplicates show. */
export const TABLES = `
  create table chaos_enqueued (
    id text primary key, enqueued_at timestamptz not null default clock_timestamp());
  create table chaos_effects (
    effect bigint generated always as identity primary key, id text not null);
  create table chaos_runs (
    run bigint generated always as identity primary key, id text not null, life text not null,
    attempt integer not null, begun_at timestamptz not null,
    ended_at timestamptz, fails boolean not null default false);
  create index on chaos_effects (id);
  create index on chaos_runs (id);`;

export const EFFECT = "insert into chaos_effects (id) values ($1)";

interface Run {
  readonly life: string;
  readonly attempt: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * One run of a job. Records its begin outside the effect's transaction. A kill can strike before the effect,
 * during it, or between the effect and the end of the run.
 */
export async function doWork(
  pool: Pool,
  { id, ms, failsFirst, heedsSignal }: Work,
  { life, attempt, signal }: Run,
  effect: () => Promise<unknown>,
): Promise<void> {
  const fails = failsFirst && attempt === 1;
  const run = { id, life, attempt, fails, begunAt: new Date() };
  // A run without a database fails, but its begin and end are still recorded later.
  const row = await noteBegin(pool, run).catch((error: unknown) => {
    void again(() => noteBegin(pool, { ...run, endedAt: new Date() }));
    throw error;
  });
  const pause = heedsSignal && signal ? { signal } : {};
  try {
    await delay(ms / 2, undefined, pause);
    if (fails) throw new Error("This job fails the first time.");
    await effect();
    await delay(ms / 2, undefined, pause);
  } finally {
    const endedAt = new Date();
    const noteEnd = () =>
      pool.query("update chaos_runs set ended_at = $2 where run = $1", [row, endedAt]);
    await noteEnd().catch(() => void again(noteEnd));
  }
}

interface RunNote {
  readonly id: string;
  readonly life: string;
  readonly attempt: number;
  readonly fails: boolean;
  /** By the process's clock, since the insert may come later. */
  readonly begunAt: Date;
  readonly endedAt?: Date;
}

async function noteBegin(pool: Pool, note: RunNote): Promise<string | undefined> {
  const { id, life, attempt, fails, begunAt, endedAt = null } = note;
  const { rows } = await pool.query<{ run: string }>(
    `insert into chaos_runs (id, life, attempt, fails, begun_at, ended_at)
     values ($1, $2, $3, $4, $5, $6) returning run`,
    [id, life, attempt, fails, begunAt, endedAt],
  );
  return rows[0]?.run;
}

const TRIES = 20;
const PAUSE_MS = 250;

/** Retries in the background until the database is back. A kill in between only makes the figures worse. */
async function again(note: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    await delay(PAUSE_MS);
    const isDone = await note().then(
      () => true,
      () => false,
    );
    if (isDone) return;
  }
}

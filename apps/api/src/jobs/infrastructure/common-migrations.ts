import type { Pool } from "pg";
import { applyMigrations } from "./migrate.ts";

/** The tables that do not depend on the provider, applied once each, in this order. */
const MIGRATIONS: readonly string[] = [
  `
  -- Jobs that no further attempt will be made of. An early qstash provider made the table already.
  create table if not exists orbit_jobs.dead_jobs (
    id text primary key,
    name text not null,
    -- JSON, as it was enqueued: jsonb cannot hold every JSON text.
    payload text not null,
    attempts integer not null,
    max_attempts integer not null,
    last_error text not null,
    died_at timestamptz not null default now()
  );
  -- Callers know the time of a death to the millisecond, and ask by it.
  update orbit_jobs.dead_jobs set died_at = date_trunc('milliseconds', died_at);
  alter table orbit_jobs.dead_jobs
    alter column died_at set default date_trunc('milliseconds', clock_timestamp());
  alter table orbit_jobs.dead_jobs add column version integer not null default 1;
  alter table orbit_jobs.dead_jobs add column stack text;
  -- For the newest first, and for what is old enough to go.
  drop index if exists orbit_jobs.dead_jobs_newest;
  create index dead_jobs_newest on orbit_jobs.dead_jobs (died_at, id);

  -- What a consumer has processed, for ever after or until it is pruned.
  create table orbit_jobs.processed (
    consumer text not null,
    event_id text not null,
    processed_at timestamptz not null default now(),
    primary key (consumer, event_id)
  );
  create index processed_oldest on orbit_jobs.processed (processed_at);
  `,
];

/** Brings them up to date; safe to run concurrently. */
export async function migrateCommon(pool: Pool): Promise<void> {
  await applyMigrations(pool, "common_migrations", MIGRATIONS);
}

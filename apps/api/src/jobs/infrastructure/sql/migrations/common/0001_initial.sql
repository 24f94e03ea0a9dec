-- The tables that every provider uses.

-- Jobs that get no further attempt.
create table :ORBIT_JOBS_SCHEMA.dead_jobs (
  id text primary key,
  name text not null,
  -- JSON text as it was enqueued. jsonb cannot store every JSON text.
  payload text not null,
  attempts integer not null,
  max_attempts integer not null,
  last_error text not null,
  -- Callers page by this time, and know it to the millisecond only.
  died_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  -- The payload's version.
  version integer not null default 1,
  stack text
);
-- Serves the list, newest first, and the removal of old rows.
create index dead_jobs_newest on :ORBIT_JOBS_SCHEMA.dead_jobs (died_at, id);

-- The ledger: what each consumer has processed.
create table :ORBIT_JOBS_SCHEMA.processed (
  consumer text not null,
  event_id text not null,
  processed_at timestamptz not null default now(),
  primary key (consumer, event_id)
);
create index processed_oldest on :ORBIT_JOBS_SCHEMA.processed (processed_at);

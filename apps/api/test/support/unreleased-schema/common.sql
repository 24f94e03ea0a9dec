-- version 1
create table if not exists orbit_jobs.dead_jobs (
  id text primary key,
  name text not null,
  payload text not null,
  attempts integer not null,
  max_attempts integer not null,
  last_error text not null,
  died_at timestamptz not null default now()
);
update orbit_jobs.dead_jobs set died_at = date_trunc('milliseconds', died_at);
alter table orbit_jobs.dead_jobs
  alter column died_at set default date_trunc('milliseconds', clock_timestamp());
alter table orbit_jobs.dead_jobs add column version integer not null default 1;
alter table orbit_jobs.dead_jobs add column stack text;
drop index if exists orbit_jobs.dead_jobs_newest;
create index dead_jobs_newest on orbit_jobs.dead_jobs (died_at, id);
create table orbit_jobs.processed (
  consumer text not null,
  event_id text not null,
  processed_at timestamptz not null default now(),
  primary key (consumer, event_id)
);
create index processed_oldest on orbit_jobs.processed (processed_at);

-- version 1
create table orbit_jobs.job_keys (
  name text not null,
  key text not null,
  holder text not null,
  published boolean not null default false,
  expires_at timestamptz not null,
  primary key (name, key)
);
create index job_keys_expiring on orbit_jobs.job_keys (expires_at);
create table orbit_jobs.qstash_messages (
  id text primary key,
  refused integer not null default 0,
  state text not null default 'waiting' check (state in ('waiting', 'begun', 'done', 'dead')),
  begun_attempt integer not null default 0,
  touched_at timestamptz not null default now()
);
create index qstash_messages_touched on orbit_jobs.qstash_messages (touched_at);
-- version 2
create table orbit_jobs.job_outbox (
  id text primary key,
  position bigint generated always as identity,
  name text not null,
  version integer not null,
  payload text not null,
  max_attempts integer not null,
  run_at timestamptz,
  key text,
  created_at timestamptz not null default now(),
  claim text,
  claimed_until timestamptz not null default '-infinity',
  holder text,
  absorbed boolean not null default false,
  failures integer not null default 0,
  refusals integer not null default 0
);
create index job_outbox_unclaimed on orbit_jobs.job_outbox (claimed_until, position);

-- The tables of a provider that keeps its queue outside this database. The statements that write to a
-- table also delete its expired rows.

-- One row per taken key. The holder is the id of the waiting job.
create table :ORBIT_JOBS_SCHEMA.job_keys (
  name text not null,
  key text not null,
  holder text not null,
  -- Whether the provider is known to have the holder's message.
  published boolean not null default false,
  -- A message that the provider dropped must not hold its key for ever.
  expires_at timestamptz not null,
  primary key (name, key)
);
create index job_keys_expiring on :ORBIT_JOBS_SCHEMA.job_keys (expires_at);

-- What a delivery does not tell about its message, by the provider's id. Most messages have no row.
create table :ORBIT_JOBS_SCHEMA.qstash_messages (
  id text primary key,
  -- Deliveries that began no run.
  refused integer not null default 0,
  state text not null default 'waiting' check (state in ('waiting', 'begun', 'done', 'dead')),
  -- The last attempt that was recorded as begun.
  begun_attempt integer not null default 0,
  touched_at timestamptz not null default now()
);
create index qstash_messages_touched on :ORBIT_JOBS_SCHEMA.qstash_messages (touched_at);

-- Jobs that transactions enqueued, until the provider has them. The id is the job's own.
create table :ORBIT_JOBS_SCHEMA.job_outbox (
  id text primary key,
  -- The order of enqueues: the first of two jobs with the same key wins.
  position bigint generated always as identity,
  name text not null,
  version integer not null,
  payload text not null,
  max_attempts integer not null,
  run_at timestamptz,
  -- The digest of its key.
  key text,
  created_at timestamptz not null default now(),
  -- The process that publishes the row, until claimed_until.
  claim text,
  claimed_until timestamptz not null default '-infinity',
  -- The id to publish under. It is settled once, since the key may be free again at a second try.
  holder text,
  -- Whether another job waits with its key.
  absorbed boolean not null default false,
  failures integer not null default 0,
  -- Failures that the provider blamed on the job itself.
  refusals integer not null default 0
);
create index job_outbox_unclaimed on :ORBIT_JOBS_SCHEMA.job_outbox (claimed_until, position);

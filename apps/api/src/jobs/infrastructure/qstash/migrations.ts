/**
 * The tables of the qstash provider, applied once each, in this order. They are kept small by
 * whoever writes to them: what is of no use any more goes with the next statement.
 */
export const QSTASH_MIGRATIONS: readonly string[] = [
  `
  -- A row for each key that is taken. Its holder is the id of the job that waits.
  create table orbit_jobs.job_keys (
    name text not null,
    key text not null,
    holder text not null,
    -- Whether the holder is known to have reached QStash.
    published boolean not null default false,
    -- A message that QStash gave up, or that somebody cancelled there, must not hold its key for ever.
    expires_at timestamptz not null,
    primary key (name, key)
  );
  create index job_keys_expiring on orbit_jobs.job_keys (expires_at);

  -- What is known of a message, by QStash's id, beyond what it tells with each delivery. Most have no
  -- row. A message that is retried from the DLQ is a new one.
  create table orbit_jobs.qstash_messages (
    id text primary key,
    -- Deliveries that began no run.
    refused integer not null default 0,
    state text not null default 'waiting' check (state in ('waiting', 'begun', 'done', 'dead')),
    -- The last attempt that is on record as begun.
    begun_attempt integer not null default 0,
    touched_at timestamptz not null default now()
  );
  create index qstash_messages_touched on orbit_jobs.qstash_messages (touched_at);
  `,
  `
  -- Jobs that were enqueued in a transaction, until QStash has them. The id is the job's own.
  create table orbit_jobs.job_outbox (
    id text primary key,
    -- The order of enqueues: of two with the same key the first is the one.
    position bigint generated always as identity,
    name text not null,
    version integer not null,
    payload text not null,
    max_attempts integer not null,
    run_at timestamptz,
    -- The digest of its key.
    key text,
    created_at timestamptz not null default now(),
    -- Who publishes it, and has until then; then anybody may.
    claim text,
    claimed_until timestamptz not null default '-infinity',
    -- Under which id it is published, once that is settled: the key is taken once, and may be free
    -- again by the time that somebody publishes the row another time.
    holder text,
    -- Whether another job waits with its key.
    absorbed boolean not null default false,
    failures integer not null default 0,
    -- Of those, how often QStash would not have it for what it is.
    refusals integer not null default 0
  );
  create index job_outbox_unclaimed on orbit_jobs.job_outbox (claimed_until, position);
  `,
];

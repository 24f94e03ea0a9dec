-- Additions to graphile-worker: unique keys, leases, crash recovery and dead jobs. The reasons are in
-- docs/adr/0005. These functions read and write graphile-worker's private tables.
--
-- Rows carry these texts, so they never change. row-markers.ts has the same ones.
--   last_error  'The run was begun and has not ended yet.'   a recorded run is in progress
--   flags       'orbit-id:...'       the id under which a replayed job first ran
--   flags       'orbit.key'          the key that a running job gave up to another one
--   payload     'orbit_scheduled'    wraps the payload of a schedule

-- Workers that may hold locks on jobs. A row outlives its worker only after a crash.
create table :ORBIT_JOBS_SCHEMA.workers (
  id text primary key,
  started_at timestamptz not null default now()
);

-- The number on which a live worker holds a session lock.
create function :ORBIT_JOBS_SCHEMA.worker_lock(worker_id text) returns bigint
language sql immutable as $$ select hashtextextended(worker_id, 2) $$;

-- Whether a job waits with this key. A job that is running or dead gives its key up.
create function :ORBIT_JOBS_SCHEMA.key_is_taken(job_key text) returns boolean language plpgsql as $$
declare
  holder record;
begin
  -- A first enqueue has no row to lock, so two of them wait for each other here.
  perform pg_advisory_xact_lock(hashtextextended(job_key, 1));
  select jobs.id,
         case when jobs.locked_at is null then jobs.attempts >= jobs.max_attempts
              else coalesce(jobs.last_error = 'The run was begun and has not ended yet.', false) end as has_left_the_queue
    into holder
    from :ENGINE_SCHEMA._private_jobs jobs
   where jobs.key = key_is_taken.job_key
     for update;
  if not found then
    return false;
  end if;
  if holder.has_left_the_queue then
    -- add_job would do this as well, but it also takes a running job's remaining attempts.
    update :ENGINE_SCHEMA._private_jobs
       set key = null,
           flags = coalesce(flags, '{}') || jsonb_build_object('orbit.key', key_is_taken.job_key)
     where id = holder.id;
  end if;
  return not holder.has_left_the_queue;
end $$;

-- Adds a job unless another one waits with the key. See "jobKey" in docs/contract.md.
create function :ORBIT_JOBS_SCHEMA.enqueue_keyed(
  name text, payload json, run_at timestamptz, max_attempts integer, priority integer, job_key text
) returns void language plpgsql as $$
begin
  if not :ORBIT_JOBS_SCHEMA.key_is_taken(job_key) then
    perform :ENGINE_SCHEMA.add_job(
      identifier := name, payload := payload, run_at := run_at, max_attempts := max_attempts,
      job_key := job_key, priority := priority
    );
  end if;
end $$;

-- Adds all jobs or none. Takes keys in their order, so that two callers cannot deadlock.
create function :ORBIT_JOBS_SCHEMA.enqueue_many(
  names text[], payloads text[], run_ats timestamptz[], max_attempts integer[],
  priorities integer[], job_keys text[]
) returns void language plpgsql as $$
begin
  perform :ENGINE_SCHEMA.add_jobs(array(
    select row(job.name, job.payload::json, null, job.run_at, job.max_attempts, null, job.priority, null)
             :::ENGINE_SCHEMA.job_spec
      from unnest(names, payloads, run_ats, max_attempts, priorities, job_keys)
             as job (name, payload, run_at, max_attempts, priority, job_key)
     where job.job_key is null
  ));
  perform :ORBIT_JOBS_SCHEMA.enqueue_keyed(
            job.name, job.payload::json, coalesce(job.run_at, now()), job.max_attempts,
            job.priority, job.job_key)
     from (select *
             from unnest(names, payloads, run_ats, max_attempts, priorities, job_keys)
                    with ordinality
                    as jobs (name, payload, run_at, max_attempts, priority, job_key, position)
            where jobs.job_key is not null
            order by jobs.job_key, jobs.position) job;
end $$;

-- Gives a failed job its key back before it waits again, unless another job waits with that key.
create function :ORBIT_JOBS_SCHEMA.take_key_back(job_id bigint) returns void language plpgsql as $$
declare
  ceded text;
begin
  select flags->>'orbit.key' into ceded from :ENGINE_SCHEMA._private_jobs where id = job_id;
  if ceded is not null and not :ORBIT_JOBS_SCHEMA.key_is_taken(ceded) then
    update :ENGINE_SCHEMA._private_jobs
       set key = ceded, flags = nullif(flags - 'orbit.key', '{}')
     where id = job_id and key is null;
  end if;
end $$;

-- The payload without the wrapper of a schedule. Postgres cannot look into JSON that contains \u0000.
create function :ORBIT_JOBS_SCHEMA.unwrapped(payload json) returns text language plpgsql immutable as $$
begin
  if payload -> '_cron' is null then
    return payload;
  end if;
  return coalesce(payload -> 'orbit_scheduled', payload);
exception when others then
  return payload;
end $$;

-- Moves a job that gets no further attempt to dead_jobs. Does nothing if the worker has lost the job, and
-- returns false if the job is still in the queue.
create function :ORBIT_JOBS_SCHEMA.bury_job(job_id bigint, worker_id text, error text, stack text)
returns boolean language sql as $$
  with gone as (
    delete from :ENGINE_SCHEMA._private_jobs jobs using :ENGINE_SCHEMA._private_tasks tasks
     where jobs.id = job_id and jobs.locked_by is not distinct from worker_id
       and tasks.id = jobs.task_id
    returning jobs.*, tasks.identifier
  )
  insert into :ORBIT_JOBS_SCHEMA.dead_jobs
         (id, name, version, payload, attempts, max_attempts, last_error, stack, died_at)
  select coalesce((select substr(flag, 10)
                     from jsonb_object_keys(flags) flag
                    where starts_with(flag, 'orbit-id:') limit 1), id::text),
         regexp_replace(identifier, '@\d+$', ''),
         coalesce(substring(identifier from '@(\d{1,3})$')::integer, 1),
         :ORBIT_JOBS_SCHEMA.unwrapped(payload), attempts, max_attempts, error, stack,
         date_trunc('milliseconds', clock_timestamp())
    from gone
      on conflict (id) do update
         set attempts = excluded.attempts, last_error = excluded.last_error,
             stack = excluded.stack, died_at = excluded.died_at;
  select not exists (select from :ENGINE_SCHEMA._private_jobs where id = job_id)
$$;

-- Buries jobs of these tasks that used all their attempts without being buried, for example under
-- graphile-worker alone.
create function :ORBIT_JOBS_SCHEMA.bury_exhausted(identifiers text[]) returns void language sql as $$
  select :ORBIT_JOBS_SCHEMA.bury_job(dead.id, null, coalesce(dead.last_error, 'unknown'), null)
    from (select jobs.id, jobs.last_error
            from :ENGINE_SCHEMA._private_jobs jobs
            join :ENGINE_SCHEMA._private_tasks tasks on tasks.id = jobs.task_id
           where tasks.identifier = any(identifiers)
             and jobs.attempts >= jobs.max_attempts and jobs.locked_at is null
           order by jobs.id limit 1000 for update of jobs skip locked) dead
$$;

-- Frees the jobs that a worker holds:
--   not begun                  waits again and gets its attempt back
--   begun                      waits again; with back_off it waits exp(attempts) seconds from its second run on
--   begun for the last time    is buried
-- Waits for no lock. A row that an open transaction holds, for example by an enqueue with the key of that
-- job, stays for the next call.
create function :ORBIT_JOBS_SCHEMA.release_jobs(worker_id text, reason text, back_off boolean)
returns integer language plpgsql as $$
declare
  buried integer;
  released integer;
  ceded record;
  ceding bigint[] := '{}';
  busy bigint[] := '{}';
begin
  -- Lock keys before rows, as enqueue_keyed does.
  for ceded in
    select id, flags->>'orbit.key' as key from :ENGINE_SCHEMA._private_jobs
     where locked_by = worker_id and flags ? 'orbit.key' order by 2
  loop
    if pg_try_advisory_xact_lock(hashtextextended(ceded.key, 1)) then
      ceding := ceding || ceded.id;
    else
      busy := busy || ceded.id;
    end if;
  end loop;
  perform :ORBIT_JOBS_SCHEMA.bury_job(dead.id, worker_id, reason, null)
     from (select id from :ENGINE_SCHEMA._private_jobs
            where locked_by = worker_id and attempts >= max_attempts
                  and last_error = 'The run was begun and has not ended yet.'
                  and id <> all (busy)
              for update skip locked) dead;
  get diagnostics buried = row_count;
  with held as (
    select id,
           case when last_error = 'The run was begun and has not ended yet.' then true
                -- Runs of these jobs are recorded when they begin, and this job has no record.
                when last_error is not null or key is not null or attempts >= max_attempts then false
                -- Runs of all other jobs are not recorded. Count the attempt.
                else true end as begun
      from :ENGINE_SCHEMA._private_jobs
     where locked_by = worker_id and id <> all (busy)
           and not (attempts >= max_attempts
                    and last_error is not distinct from 'The run was begun and has not ended yet.')
       for update skip locked
  )
  update :ENGINE_SCHEMA._private_jobs jobs set
    attempts = case when begun then attempts else attempts - 1 end,
    last_error = case when begun then reason else last_error end,
    run_at = case when begun and back_off and attempts > 1
                  then now() + exp(least(attempts, 10)) * interval '1 second'
                  else run_at end,
    locked_at = null, locked_by = null, updated_at = now()
  from held where jobs.id = held.id;
  get diagnostics released = row_count;
  perform :ORBIT_JOBS_SCHEMA.take_key_back(jobs.id) from :ENGINE_SCHEMA._private_jobs jobs
    where jobs.id = any(ceding);
  update :ENGINE_SCHEMA._private_job_queues set locked_at = null, locked_by = null
    where locked_by = worker_id;
  -- Unlocking a row does not wake workers.
  if released > 0 then
    perform pg_notify('jobs:insert', json_build_object('count', released)::text);
  end if;
  return buried + released;
end $$;

-- Removes a worker's row once the worker holds no job.
create function :ORBIT_JOBS_SCHEMA.forget_worker(worker_id text) returns void language sql as $$
  delete from :ORBIT_JOBS_SCHEMA.workers where id = worker_id
     and not exists (select from :ENGINE_SCHEMA._private_jobs where locked_by = worker_id)
$$;

-- Frees the jobs of a dead worker. Returns null if the worker is alive or another process recovers it. The
-- worker's row stays until all its jobs are free.
create function :ORBIT_JOBS_SCHEMA.recover_worker(worker_id text, reason text)
returns integer language plpgsql as $$
declare
  freed integer;
begin
  if not pg_try_advisory_xact_lock(:ORBIT_JOBS_SCHEMA.worker_lock(worker_id)) then
    return null;
  end if;
  perform from :ORBIT_JOBS_SCHEMA.workers where id = worker_id for update;
  if not found then
    return null;
  end if;
  freed := :ORBIT_JOBS_SCHEMA.release_jobs(worker_id, reason, true);
  perform :ORBIT_JOBS_SCHEMA.forget_worker(worker_id);
  return freed;
end $$;

-- Enqueues a dead job again, under its own id and with all its attempts. Returns false if it is gone.
create function :ORBIT_JOBS_SCHEMA.replay_job(dead_id text, priority integer)
returns boolean language plpgsql as $$
declare
  dead :ORBIT_JOBS_SCHEMA.dead_jobs;
begin
  delete from :ORBIT_JOBS_SCHEMA.dead_jobs where id = dead_id returning * into dead;
  if not found then
    return false;
  end if;
  perform :ENGINE_SCHEMA.add_job(
    identifier := dead.name || case when dead.version > 1 then '@' || dead.version else '' end,
    payload := dead.payload::json, max_attempts := dead.max_attempts, priority := priority,
    flags := array['orbit-id:' || dead.id]
  );
  return true;
end $$;

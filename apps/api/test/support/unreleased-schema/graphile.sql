-- version 1
create table orbit_jobs.workers (
  id text primary key,
  started_at timestamptz not null default now()
);
create function orbit_jobs.enqueue_keyed(
  name text, payload json, run_at timestamptz, max_attempts integer, job_key text
) returns void language plpgsql as $$
declare
  holder record;
begin
  perform pg_advisory_xact_lock(hashtextextended(job_key, 1));
  select jobs.id,
         case when jobs.locked_at is null then jobs.attempts >= jobs.max_attempts
              else coalesce(jobs.last_error = 'The run was begun and has not ended yet.', false) end as has_left_the_queue
    into holder
    from graphile_worker._private_jobs jobs
   where jobs.key = enqueue_keyed.job_key
     for update;
  if found and not holder.has_left_the_queue then
    return;
  end if;
  if found then
    update graphile_worker._private_jobs set key = null where id = holder.id;
  end if;
  perform graphile_worker.add_job(
    identifier := name, payload := payload, run_at := run_at,
    max_attempts := max_attempts, job_key := job_key
  );
end $$;
create function orbit_jobs.enqueue_many(
  names text[], payloads text[], run_ats timestamptz[], max_attempts integer[], job_keys text[]
) returns void language plpgsql as $$
begin
  perform graphile_worker.add_jobs(array(
    select row(job.name, job.payload::json, null, job.run_at, job.max_attempts, null, null, null)
             ::graphile_worker.job_spec
      from unnest(names, payloads, run_ats, max_attempts, job_keys)
             as job (name, payload, run_at, max_attempts, job_key)
     where job.job_key is null
  ));
  perform orbit_jobs.enqueue_keyed(
            job.name, job.payload::json, coalesce(job.run_at, now()), job.max_attempts, job.job_key)
     from (select *
             from unnest(names, payloads, run_ats, max_attempts, job_keys) with ordinality
                    as jobs (name, payload, run_at, max_attempts, job_key, position)
            where jobs.job_key is not null
            order by jobs.job_key, jobs.position) job;
end $$;
create function orbit_jobs.release_jobs(worker_id text, reason text, back_off boolean)
returns integer language plpgsql as $$
declare
  released integer;
begin
  with held as (
    select id,
           case when last_error = 'The run was begun and has not ended yet.' then true
                when last_error is not null or key is not null or attempts >= max_attempts then false
                else true end as begun
      from graphile_worker._private_jobs where locked_by = worker_id
  )
  update graphile_worker._private_jobs jobs set
    attempts = case when begun then attempts else attempts - 1 end,
    last_error = case when begun then reason else last_error end,
    run_at = case when begun and back_off and attempts > 1
                  then now() + exp(least(attempts, 10)) * interval '1 second'
                  else run_at end,
    locked_at = null, locked_by = null, updated_at = now()
  from held where jobs.id = held.id;
  get diagnostics released = row_count;
  perform graphile_worker.force_unlock_workers(array[worker_id]);
  if released > 0 then
    perform pg_notify('jobs:insert', json_build_object('count', released)::text);
  end if;
  return released;
end $$;
create function orbit_jobs.worker_lock(worker_id text) returns bigint
language sql immutable as $$ select hashtextextended(worker_id, 2) $$;
create function orbit_jobs.recover_worker(worker_id text, reason text)
returns integer language plpgsql as $$
begin
  if not pg_try_advisory_xact_lock(orbit_jobs.worker_lock(worker_id)) then
    return null;
  end if;
  delete from orbit_jobs.workers where id = worker_id;
  if not found then
    return null;
  end if;
  return orbit_jobs.release_jobs(worker_id, reason, true);
end $$;
-- version 2
create function orbit_jobs.enqueue_keyed(
  name text, payload json, run_at timestamptz, max_attempts integer, priority integer, job_key text
) returns void language plpgsql as $$
declare
  holder record;
begin
  perform pg_advisory_xact_lock(hashtextextended(job_key, 1));
  select jobs.id,
         case when jobs.locked_at is null then jobs.attempts >= jobs.max_attempts
              else coalesce(jobs.last_error = 'The run was begun and has not ended yet.', false) end as has_left_the_queue
    into holder
    from graphile_worker._private_jobs jobs
   where jobs.key = enqueue_keyed.job_key
     for update;
  if found and not holder.has_left_the_queue then
    return;
  end if;
  if found then
    update graphile_worker._private_jobs set key = null where id = holder.id;
  end if;
  perform graphile_worker.add_job(
    identifier := name, payload := payload, run_at := run_at, max_attempts := max_attempts,
    job_key := job_key, priority := priority
  );
end $$;
create or replace function orbit_jobs.enqueue_keyed(
  name text, payload json, run_at timestamptz, max_attempts integer, job_key text
) returns void language sql as $$
  select orbit_jobs.enqueue_keyed(name, payload, run_at, max_attempts, 0, job_key)
$$;
create function orbit_jobs.enqueue_many(
  names text[], payloads text[], run_ats timestamptz[], max_attempts integer[],
  priorities integer[], job_keys text[]
) returns void language plpgsql as $$
begin
  perform graphile_worker.add_jobs(array(
    select row(job.name, job.payload::json, null, job.run_at, job.max_attempts, null, job.priority, null)
             ::graphile_worker.job_spec
      from unnest(names, payloads, run_ats, max_attempts, priorities, job_keys)
             as job (name, payload, run_at, max_attempts, priority, job_key)
     where job.job_key is null
  ));
  perform orbit_jobs.enqueue_keyed(
            job.name, job.payload::json, coalesce(job.run_at, now()), job.max_attempts,
            job.priority, job.job_key)
     from (select *
             from unnest(names, payloads, run_ats, max_attempts, priorities, job_keys)
                    with ordinality
                    as jobs (name, payload, run_at, max_attempts, priority, job_key, position)
            where jobs.job_key is not null
            order by jobs.job_key, jobs.position) job;
end $$;
create or replace function orbit_jobs.enqueue_many(
  names text[], payloads text[], run_ats timestamptz[], max_attempts integer[], job_keys text[]
) returns void language sql as $$
  select orbit_jobs.enqueue_many(
    names, payloads, run_ats, max_attempts, array_fill(0, array[cardinality(names)]), job_keys)
$$;
-- version 3
create function orbit_jobs.key_is_taken(job_key text) returns boolean language plpgsql as $$
declare
  holder record;
begin
  perform pg_advisory_xact_lock(hashtextextended(job_key, 1));
  select jobs.id,
         case when jobs.locked_at is null then jobs.attempts >= jobs.max_attempts
              else coalesce(jobs.last_error = 'The run was begun and has not ended yet.', false) end as has_left_the_queue
    into holder
    from graphile_worker._private_jobs jobs
   where jobs.key = key_is_taken.job_key
     for update;
  if not found then
    return false;
  end if;
  if holder.has_left_the_queue then
    update graphile_worker._private_jobs
       set key = null,
           flags = coalesce(flags, '{}') || jsonb_build_object('orbit.key', key_is_taken.job_key)
     where id = holder.id;
  end if;
  return not holder.has_left_the_queue;
end $$;
create or replace function orbit_jobs.enqueue_keyed(
  name text, payload json, run_at timestamptz, max_attempts integer, priority integer, job_key text
) returns void language plpgsql as $$
begin
  if not orbit_jobs.key_is_taken(job_key) then
    perform graphile_worker.add_job(
      identifier := name, payload := payload, run_at := run_at, max_attempts := max_attempts,
      job_key := job_key, priority := priority
    );
  end if;
end $$;
create function orbit_jobs.take_key_back(job_id bigint) returns void language plpgsql as $$
declare
  ceded text;
begin
  select flags->>'orbit.key' into ceded from graphile_worker._private_jobs where id = job_id;
  if ceded is not null and not orbit_jobs.key_is_taken(ceded) then
    update graphile_worker._private_jobs
       set key = ceded, flags = nullif(flags - 'orbit.key', '{}')
     where id = job_id and key is null;
  end if;
end $$;
create or replace function orbit_jobs.release_jobs(worker_id text, reason text, back_off boolean)
returns integer language plpgsql as $$
declare
  released integer;
  ceded record;
  ceding bigint[] := '{}';
begin
  for ceded in
    select id, flags->>'orbit.key' as key from graphile_worker._private_jobs
     where locked_by = worker_id and flags ? 'orbit.key' order by 2
  loop
    perform pg_advisory_xact_lock(hashtextextended(ceded.key, 1));
    ceding := ceding || ceded.id;
  end loop;
  with held as (
    select id,
           case when last_error = 'The run was begun and has not ended yet.' then true
                when last_error is not null or key is not null or attempts >= max_attempts then false
                else true end as begun
      from graphile_worker._private_jobs where locked_by = worker_id
  )
  update graphile_worker._private_jobs jobs set
    attempts = case when begun then attempts else attempts - 1 end,
    last_error = case when begun then reason else last_error end,
    run_at = case when begun and back_off and attempts > 1
                  then now() + exp(least(attempts, 10)) * interval '1 second'
                  else run_at end,
    locked_at = null, locked_by = null, updated_at = now()
  from held where jobs.id = held.id;
  get diagnostics released = row_count;
  perform orbit_jobs.take_key_back(jobs.id) from graphile_worker._private_jobs jobs
    where jobs.id = any(ceding) and jobs.attempts < jobs.max_attempts;
  perform graphile_worker.force_unlock_workers(array[worker_id]);
  if released > 0 then
    perform pg_notify('jobs:insert', json_build_object('count', released)::text);
  end if;
  return released;
end $$;
-- version 4
create function orbit_jobs.unwrapped(payload json) returns text language plpgsql immutable as $$
begin
  if payload -> '_cron' is null then
    return payload;
  end if;
  return coalesce(payload -> 'orbit_scheduled', payload);
exception when others then
  return payload;
end $$;
create function orbit_jobs.bury_job(job_id bigint, worker_id text, error text, stack text)
returns boolean language sql as $$
  with gone as (
    delete from graphile_worker._private_jobs jobs using graphile_worker._private_tasks tasks
     where jobs.id = job_id and jobs.locked_by is not distinct from worker_id
       and tasks.id = jobs.task_id
    returning jobs.*, tasks.identifier
  )
  insert into orbit_jobs.dead_jobs
         (id, name, version, payload, attempts, max_attempts, last_error, stack, died_at)
  select coalesce((select substr(flag, 10)
                     from jsonb_object_keys(flags) flag
                    where starts_with(flag, 'orbit-id:') limit 1), id::text),
         regexp_replace(identifier, '@\d+$', ''),
         coalesce(substring(identifier from '@(\d{1,3})$')::integer, 1),
         orbit_jobs.unwrapped(payload), attempts, max_attempts, error, stack,
         date_trunc('milliseconds', clock_timestamp())
    from gone
      on conflict (id) do update
         set attempts = excluded.attempts, last_error = excluded.last_error,
             stack = excluded.stack, died_at = excluded.died_at;
  select not exists (select from graphile_worker._private_jobs where id = job_id)
$$;
create function orbit_jobs.bury_exhausted(identifiers text[]) returns void language sql as $$
  select orbit_jobs.bury_job(dead.id, null, coalesce(dead.last_error, 'unknown'), null)
    from (select jobs.id, jobs.last_error
            from graphile_worker._private_jobs jobs
            join graphile_worker._private_tasks tasks on tasks.id = jobs.task_id
           where tasks.identifier = any(identifiers)
             and jobs.attempts >= jobs.max_attempts and jobs.locked_at is null
           order by jobs.id limit 1000 for update of jobs skip locked) dead
$$;
create or replace function orbit_jobs.release_jobs(worker_id text, reason text, back_off boolean)
returns integer language plpgsql as $$
declare
  buried integer;
  released integer;
  ceded record;
  ceding bigint[] := '{}';
  busy bigint[] := '{}';
begin
  for ceded in
    select id, flags->>'orbit.key' as key from graphile_worker._private_jobs
     where locked_by = worker_id and flags ? 'orbit.key' order by 2
  loop
    if pg_try_advisory_xact_lock(hashtextextended(ceded.key, 1)) then
      ceding := ceding || ceded.id;
    else
      busy := busy || ceded.id;
    end if;
  end loop;
  perform orbit_jobs.bury_job(dead.id, worker_id, reason, null)
     from (select id from graphile_worker._private_jobs
            where locked_by = worker_id and attempts >= max_attempts and last_error = 'The run was begun and has not ended yet.'
                  and id <> all (busy)
              for update skip locked) dead;
  get diagnostics buried = row_count;
  with held as (
    select id,
           case when last_error = 'The run was begun and has not ended yet.' then true
                when last_error is not null or key is not null or attempts >= max_attempts then false
                else true end as begun
      from graphile_worker._private_jobs
     where locked_by = worker_id and id <> all (busy)
           and not (attempts >= max_attempts and last_error is not distinct from 'The run was begun and has not ended yet.')
       for update skip locked
  )
  update graphile_worker._private_jobs jobs set
    attempts = case when begun then attempts else attempts - 1 end,
    last_error = case when begun then reason else last_error end,
    run_at = case when begun and back_off and attempts > 1
                  then now() + exp(least(attempts, 10)) * interval '1 second'
                  else run_at end,
    locked_at = null, locked_by = null, updated_at = now()
  from held where jobs.id = held.id;
  get diagnostics released = row_count;
  perform orbit_jobs.take_key_back(jobs.id) from graphile_worker._private_jobs jobs
    where jobs.id = any(ceding);
  update graphile_worker._private_job_queues set locked_at = null, locked_by = null
    where locked_by = worker_id;
  if released > 0 then
    perform pg_notify('jobs:insert', json_build_object('count', released)::text);
  end if;
  return buried + released;
end $$;
create function orbit_jobs.replay_job(dead_id text, priority integer)
returns boolean language plpgsql as $$
declare
  dead orbit_jobs.dead_jobs;
begin
  delete from orbit_jobs.dead_jobs where id = dead_id returning * into dead;
  if not found then
    return false;
  end if;
  perform graphile_worker.add_job(
    identifier := dead.name || case when dead.version > 1 then '@' || dead.version else '' end,
    payload := dead.payload::json, max_attempts := dead.max_attempts, priority := priority,
    flags := array['orbit-id:' || dead.id]
  );
  return true;
end $$;
create or replace function orbit_jobs.recover_worker(worker_id text, reason text)
returns integer language plpgsql as $$
declare
  freed integer;
begin
  if not pg_try_advisory_xact_lock(orbit_jobs.worker_lock(worker_id)) then
    return null;
  end if;
  perform from orbit_jobs.workers where id = worker_id for update;
  if not found then
    return null;
  end if;
  freed := orbit_jobs.release_jobs(worker_id, reason, true);
  perform orbit_jobs.forget_worker(worker_id);
  return freed;
end $$;
create function orbit_jobs.forget_worker(worker_id text) returns void language sql as $$
  delete from orbit_jobs.workers where id = worker_id
     and not exists (select from graphile_worker._private_jobs where locked_by = worker_id)
$$;

import { BEGUN, CEDED_KEY_FLAG, JOB_ID_FLAG, SCHEDULED } from "../marks.ts";

export const deadJobs = `
  -- The payload as it was scheduled, else as it is. Postgres cannot look into JSON with a \\u0000.
  create function orbit_jobs.unwrapped(payload json) returns text language plpgsql immutable as $$
  begin
    if payload -> '_cron' is null then
      return payload;
    end if;
    return coalesce(payload -> '${SCHEDULED}', payload);
  exception when others then
    return payload;
  end $$;

  -- Moves a job that no further attempt will be made of to the module's own table. A worker that lost
  -- the job buries nothing: false, if it is there still.
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
    select coalesce((select substr(flag, ${JOB_ID_FLAG.length + 1})
                       from jsonb_object_keys(flags) flag
                      where starts_with(flag, '${JOB_ID_FLAG}') limit 1), id::text),
           regexp_replace(identifier, '@\\d+$', ''),
           coalesce(substring(identifier from '@(\\d{1,3})$')::integer, 1),
           orbit_jobs.unwrapped(payload), attempts, max_attempts, error, stack,
           date_trunc('milliseconds', clock_timestamp())
      from gone
        on conflict (id) do update
           set attempts = excluded.attempts, last_error = excluded.last_error,
               stack = excluded.stack, died_at = excluded.died_at;
    select not exists (select from graphile_worker._private_jobs where id = job_id)
  $$;

  -- Those that died where nobody buries: under an instance of the version before, or before there was one.
  create function orbit_jobs.bury_exhausted(identifiers text[]) returns void language sql as $$
    select orbit_jobs.bury_job(dead.id, null, coalesce(dead.last_error, 'unknown'), null)
      from (select jobs.id, jobs.last_error
              from graphile_worker._private_jobs jobs
              join graphile_worker._private_tasks tasks on tasks.id = jobs.task_id
             where tasks.identifier = any(identifiers)
               and jobs.attempts >= jobs.max_attempts and jobs.locked_at is null
             order by jobs.id limit 1000 for update of jobs skip locked) dead
  $$;

  -- As before, and buries those whose last attempt it was. It waits for nobody: what an open transaction
  -- holds, say one that enqueues with the key of a job, is left for the next time.
  create or replace function orbit_jobs.release_jobs(worker_id text, reason text, back_off boolean)
  returns integer language plpgsql as $$
  declare
    buried integer;
    released integer;
    ceded record;
    ceding bigint[] := '{}';
    busy bigint[] := '{}';
  begin
    -- Keys are locked before rows, as by an enqueue.
    for ceded in
      select id, flags->>'${CEDED_KEY_FLAG}' as key from graphile_worker._private_jobs
       where locked_by = worker_id and flags ? '${CEDED_KEY_FLAG}' order by 2
    loop
      if pg_try_advisory_xact_lock(hashtextextended(ceded.key, 1)) then
        ceding := ceding || ceded.id;
      else
        busy := busy || ceded.id;
      end if;
    end loop;
    perform orbit_jobs.bury_job(dead.id, worker_id, reason, null)
       from (select id from graphile_worker._private_jobs
              where locked_by = worker_id and attempts >= max_attempts and last_error = '${BEGUN}'
                    and id <> all (busy)
                for update skip locked) dead;
    get diagnostics buried = row_count;
    with held as (
      select id,
             case when last_error = '${BEGUN}' then true
                  -- With these, the beginning would be on record.
                  when last_error is not null or key is not null or attempts >= max_attempts then false
                  -- Nobody can tell: it counts.
                  else true end as begun
        from graphile_worker._private_jobs
       where locked_by = worker_id and id <> all (busy)
             and not (attempts >= max_attempts and last_error is not distinct from '${BEGUN}')
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
    -- Unlocking alone wakes nobody.
    if released > 0 then
      perform pg_notify('jobs:insert', json_build_object('count', released)::text);
    end if;
    return buried + released;
  end $$;

  -- Enqueues a dead job again, under its own id and with all its attempts; false when it is gone.
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
      flags := array['${JOB_ID_FLAG}' || dead.id]
    );
    return true;
  end $$;

  -- Frees the jobs of a worker that is gone; null when it is not, or somebody else sees to it. As long as
  -- something of it could not be freed it stays known as gone.
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
`;

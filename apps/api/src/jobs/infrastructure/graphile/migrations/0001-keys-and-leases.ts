import { BEGUN } from "../marks.ts";

export const keysAndLeases = `
  -- Who may hold locks on jobs. A row outlives its worker only if the worker crashed.
  create table orbit_jobs.workers (
    id text primary key,
    started_at timestamptz not null default now()
  );

  -- Adds a job unless one with this key still waits; see "jobKey" in docs/contract.md.
  create function orbit_jobs.enqueue_keyed(
    name text, payload json, run_at timestamptz, max_attempts integer, job_key text
  ) returns void language plpgsql as $$
  declare
    holder record;
  begin
    -- Without a row there is nothing to lock: two first enqueues wait for each other here.
    perform pg_advisory_xact_lock(hashtextextended(job_key, 1));
    select jobs.id,
           case when jobs.locked_at is null then jobs.attempts >= jobs.max_attempts
                else coalesce(jobs.last_error = '${BEGUN}', false) end as has_left_the_queue
      into holder
      from graphile_worker._private_jobs jobs
     where jobs.key = enqueue_keyed.job_key
       for update;
    if found and not holder.has_left_the_queue then
      return;
    end if;
    if found then
      -- add_job would also do this, but take the remaining attempts from a running job.
      update graphile_worker._private_jobs set key = null where id = holder.id;
    end if;
    perform graphile_worker.add_job(
      identifier := name, payload := payload, run_at := run_at,
      max_attempts := max_attempts, job_key := job_key
    );
  end $$;

  -- All or none; keyed jobs in the order of their keys, lest two callers wait for each other.
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

  -- Frees what a worker holds. A job that had not begun gets its attempt back. One that had is dead
  -- after its last attempt; with back_off it waits, from its second run on.
  create function orbit_jobs.release_jobs(worker_id text, reason text, back_off boolean)
  returns integer language plpgsql as $$
  declare
    released integer;
  begin
    with held as (
      select id,
             case when last_error = '${BEGUN}' then true
                  -- With these, the beginning would be on record.
                  when last_error is not null or key is not null or attempts >= max_attempts then false
                  -- Nobody can tell: it counts.
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
    -- Unlocking alone wakes nobody.
    if released > 0 then
      perform pg_notify('jobs:insert', json_build_object('count', released)::text);
    end if;
    return released;
  end $$;

  -- A live worker holds a session lock on this number.
  create function orbit_jobs.worker_lock(worker_id text) returns bigint
  language sql immutable as $$ select hashtextextended(worker_id, 2) $$;

  -- Frees the jobs of a worker that is gone; null when it is not, or somebody else sees to it.
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
`;

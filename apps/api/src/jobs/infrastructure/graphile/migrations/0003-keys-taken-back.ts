import { BEGUN, CEDED_KEY_FLAG } from "../marks.ts";

/** A job that fails takes back the key that it gave up, unless another waits with it. */
export const keysTakenBack = `
  -- Whether a job waits with the key. One that has begun, or is dead, gives it up.
  create function orbit_jobs.key_is_taken(job_key text) returns boolean language plpgsql as $$
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
     where jobs.key = key_is_taken.job_key
       for update;
    if not found then
      return false;
    end if;
    if holder.has_left_the_queue then
      -- add_job would also do this, but take the remaining attempts from a running job.
      update graphile_worker._private_jobs
         set key = null,
             flags = coalesce(flags, '{}') || jsonb_build_object('${CEDED_KEY_FLAG}', key_is_taken.job_key)
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

  -- For a job that is about to wait again.
  create function orbit_jobs.take_key_back(job_id bigint) returns void language plpgsql as $$
  declare
    ceded text;
  begin
    select flags->>'${CEDED_KEY_FLAG}' into ceded from graphile_worker._private_jobs where id = job_id;
    if ceded is not null and not orbit_jobs.key_is_taken(ceded) then
      update graphile_worker._private_jobs
         set key = ceded, flags = nullif(flags - '${CEDED_KEY_FLAG}', '{}')
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
    -- Keys are locked before rows, as by an enqueue, and in their order.
    for ceded in
      select id, flags->>'${CEDED_KEY_FLAG}' as key from graphile_worker._private_jobs
       where locked_by = worker_id and flags ? '${CEDED_KEY_FLAG}' order by 2
    loop
      perform pg_advisory_xact_lock(hashtextextended(ceded.key, 1));
      ceding := ceding || ceded.id;
    end loop;
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
    perform orbit_jobs.take_key_back(jobs.id) from graphile_worker._private_jobs jobs
      where jobs.id = any(ceding) and jobs.attempts < jobs.max_attempts;
    perform graphile_worker.force_unlock_workers(array[worker_id]);
    -- Unlocking alone wakes nobody.
    if released > 0 then
      perform pg_notify('jobs:insert', json_build_object('count', released)::text);
    end if;
    return released;
  end $$;
`;

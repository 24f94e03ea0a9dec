import { BEGUN } from "../marks.ts";

export const priority = `
  -- Both with a priority; what instances of the version before call goes on to work.
  create function orbit_jobs.enqueue_keyed(
    name text, payload json, run_at timestamptz, max_attempts integer, priority integer, job_key text
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
`;

-- Adds a job unless another one waits with the key, and returns the id of the job that has the key now.
-- Workers of earlier versions still call enqueue_keyed.
create function :ORBIT_JOBS_SCHEMA.add_keyed(
  name text, payload json, run_at timestamptz, max_attempts integer, priority integer, job_key text,
  out id text, out absorbed boolean
) language plpgsql as $$
begin
  absorbed := :ORBIT_JOBS_SCHEMA.key_is_taken(job_key);
  if absorbed then
    -- key_is_taken has locked the row.
    select jobs.id into id from :ENGINE_SCHEMA._private_jobs jobs where jobs.key = job_key;
  else
    select added.id into id
      from :ENGINE_SCHEMA.add_job(
             identifier := name, payload := payload, run_at := run_at, max_attempts := max_attempts,
             job_key := job_key, priority := priority) added;
  end if;
end $$;

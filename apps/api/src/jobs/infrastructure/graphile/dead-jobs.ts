import { type DeadJob, type DeadJobs, replayable } from "../../application/dead-jobs.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { SqlExecutor } from "../../application/ports.ts";
import { sqlDeadJobs, withErrors } from "../sql/dead-jobs.ts";
import { providerError } from "../sql/postgres-errors.ts";
import { isWrapped, payloadOf } from "./row-markers.ts";

/** Dead jobs that a replay puts back into graphile-worker's queue. */
export function graphileDeadJobs(executor: SqlExecutor, registry: JobRegistry): DeadJobs {
  const sql = withErrors(executor, (cause) => {
    throw providerError("graphile", cause);
  });
  const dead = sqlDeadJobs(sql, async (job) => {
    const { priority = 0 } = replayable(registry, job);
    const { rows } = await sql.query("select where orbit_jobs.replay_job($1::text, $2::integer)", [
      job.id,
      priority,
    ]);
    return rows.length > 0;
  });
  return {
    ...dead,
    async list(limit, after) {
      const jobs = await dead.list(limit, after);
      return jobs.map(unwrapped);
    },
  };
}

/** SQL unwraps most scheduled payloads, but not those that Postgres cannot look into. */
function unwrapped(job: DeadJob): DeadJob {
  if (!isWrapped(job.payload)) return job;
  const payload = payloadOf({ payload: JSON.parse(job.payload) });
  return { ...job, payload: JSON.stringify(payload) };
}

import { type DeadJobs, replayable } from "../../application/dead-jobs.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobClock, SqlExecutor } from "../../application/ports.ts";
import { removeDeadJob, sqlDeadJobs, withErrors } from "../sql/dead-jobs.ts";
import { providerError } from "../sql/postgres-errors.ts";
import type { Publisher } from "./publisher.ts";

/** The dead jobs of our own table. QStash's DLQ keeps no error and forgets messages after days. */
export function createQStashDeadJobs(
  registry: JobRegistry,
  {
    publisher,
    clock,
    ...ports
  }: { readonly publisher: Publisher; readonly sql: SqlExecutor; readonly clock: JobClock },
): DeadJobs {
  const sql = withErrors(ports.sql, (cause) => {
    throw providerError("qstash", cause);
  });
  return sqlDeadJobs(sql, async (job) => {
    const { name } = replayable(registry, job);
    const { id, version, payload, maxAttempts, diedAt } = job;
    const message = {
      id,
      name,
      version,
      json: payload,
      runAt: undefined,
      jobKey: undefined,
      maxAttempts,
      previousAttempts: 0,
      // Two replays of the same death make one message, a replay of a later death another.
      messageIndex: diedAt.getTime(),
    };
    await publisher.publish([message], clock.now());
    // The replayed job may have died again, which is another row.
    await removeDeadJob(sql, id, diedAt);
    return true;
  });
}

import { type DeadJobs, replayable } from "../../application/dead-jobs.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { SqlExecutor } from "../../application/ports.ts";
import { removeDeadJob, sqlDeadJobs, withErrors } from "../sql-dead-jobs.ts";
import { versionFact } from "./message-facts.ts";
import type { Publisher } from "./publisher.ts";
import { asUnavailable } from "./sql-errors.ts";

/** Dead jobs of QStash; its own DLQ keeps no error, and forgets after days. */
export function qstashDeadJobs(
  executor: SqlExecutor,
  registry: JobRegistry,
  publisher: Publisher,
): DeadJobs {
  const sql = withErrors(executor, asUnavailable);
  return sqlDeadJobs(sql, async (job) => {
    replayable(registry, job);
    const { id, name, version, payload, maxAttempts, diedAt } = job;
    // Two replays at once are one message to QStash; of another death it is another.
    const hop = diedAt.getTime();
    const facts = { id, maxAttempts, tried: 0, hop, ...versionFact(version) };
    await publisher.publish([{ name, json: payload, facts }]);
    // It may have died again by now: that is another row.
    await removeDeadJob(sql, id, diedAt);
    return true;
  });
}

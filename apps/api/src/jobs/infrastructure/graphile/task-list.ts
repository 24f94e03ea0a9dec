import type { Task, TaskList } from "graphile-worker";
import type { JobDefinition } from "../../application/job-definition.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger, SqlExecutor } from "../../application/ports.ts";
import { runJob } from "../../application/run-job.ts";
import { giveUpRetries, recordBegin } from "./begun-runs.ts";
import { unwrapScheduled } from "./cron-items.ts";

export interface TaskOptions {
  readonly sql: SqlExecutor;
  readonly log: JobLogger;
  /** Aborts when running handlers have to go. */
  readonly signal: AbortSignal;
  /** From then on the jobs under way belong to others, and what becomes of our runs is no news. */
  readonly isDisowned: () => boolean;
}

/** The registry as graphile-worker's tasks: success resolves, failure throws. */
export function taskList(registry: JobRegistry, options: TaskOptions): TaskList {
  return Object.fromEntries(
    registry.map((definition) => [definition.name, taskOf(definition, options)]),
  );
}

function taskOf(definition: JobDefinition, { sql, log, signal, isDisowned }: TaskOptions): Task {
  return async (payload, { job }) => {
    await recordBegin(sql, job);
    const outcome = await runJob(definition, {
      jobId: job.id,
      attempt: job.attempts,
      maxAttempts: job.max_attempts,
      payload: unwrapScheduled(payload),
      signal,
      log,
    });
    // graphile-worker completes jobs without asking whose they are; told nothing, it does nothing.
    if (isDisowned()) await new Promise(() => undefined);
    if (outcome.status === "succeeded") return;
    if (outcome.status === "dead" && outcome.reason === "permanent") await giveUpRetries(sql, job);
    throw outcome.error;
  };
}

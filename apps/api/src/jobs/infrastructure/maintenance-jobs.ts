import { defineJob } from "../application/define-job.ts";
import type { JobDefinition } from "../application/job-definition.ts";
import { inFeature } from "../application/job-registry.ts";
import type { SqlExecutor } from "../application/ports.ts";
import { pruneDeadJobs } from "./sql-dead-jobs.ts";
import { pruneLedger } from "./sql-ledger.ts";

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "jobs.prune": Record<string, never>;
      "jobs.publish-outbox": Record<string, never>;
    }
  }
}

export interface MaintenanceOptions {
  readonly deadRetentionDays: number;
  readonly ledgerRetentionDays: number;
  readonly sql: SqlExecutor;
  /** Publishes what a crash left in the outbox, where there is one. */
  readonly sweepOutbox: (() => Promise<number>) | undefined;
}

/** The jobs that keep the module's own tables in order. */
export function maintenanceJobs(
  core: OrbitJobs.Core,
  { deadRetentionDays, ledgerRetentionDays, sql, sweepOutbox }: MaintenanceOptions,
): readonly JobDefinition[] {
  const prune = defineJob({
    name: "jobs.prune",
    schedule: "23 * * * *",
    handler: async (_payload, { log }) => {
      const dead = await pruneDeadJobs(sql, deadRetentionDays);
      const processed = await pruneLedger(sql, ledgerRetentionDays);
      log.info({ dead, processed }, "old rows of the jobs module were removed");
    },
  });
  const publishOutbox = defineJob({
    name: "jobs.publish-outbox",
    // Where no process lives to look more often. Each tick is a message to QStash.
    schedule: "*/5 * * * *",
    maxAttempts: 1,
    handler: async () => void (await sweepOutbox?.()),
  });
  const jobs: JobDefinition[] = [prune(core)];
  if (sweepOutbox) jobs.push(publishOutbox(core));
  return inFeature("jobs", jobs);
}

import { defineMaintenanceJob } from "../../application/define-job.ts";
import type { JobDefinition } from "../../application/job-definition.ts";
import { NoDatabaseError } from "../../application/job-errors.ts";
import type { ProviderPorts } from "../../application/job-provider.ts";
import { pruneDeadJobs } from "./dead-jobs.ts";
import { pruneLedger } from "./ledger.ts";

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "jobs.prune": Record<string, never>;
      "jobs.publish-outbox": Record<string, never>;
    }
  }
}

/** Removes dead jobs and ledger entries that are older than their retention. */
export function pruneJob({
  sql,
  settings,
}: Pick<ProviderPorts, "sql" | "settings">): JobDefinition {
  return defineMaintenanceJob({
    name: "jobs.prune",
    cron: "23 * * * *",
    run: async (log) => {
      try {
        const dead = await pruneDeadJobs(sql, settings.deadRetentionDays);
        const processed = await pruneLedger(sql, settings.ledgerRetentionDays);
        log.info({ dead, processed }, "old dead jobs and ledger entries removed");
      } catch (error) {
        // An app without a database has no ledger, and its provider keeps the dead jobs.
        if (!(error instanceof NoDatabaseError)) throw error;
      }
    },
  });
}

/** Publishes jobs that a crash left in the outbox, even if no live process sweeps it. */
export function publishOutboxJob(sweepOutbox: () => Promise<number>): JobDefinition {
  return defineMaintenanceJob({
    name: "jobs.publish-outbox",
    // Each tick is a message to QStash.
    cron: "*/5 * * * *",
    maxAttempts: 1,
    run: async () => void (await sweepOutbox()),
  });
}

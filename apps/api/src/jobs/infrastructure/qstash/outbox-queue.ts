import { checkedQueue } from "../../application/checked-queue.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger, SqlExecutor } from "../../application/ports.ts";
import type { PreparedJob } from "../../application/prepare-enqueue.ts";
import type { TransactionJobs } from "../../application/transactional-jobs.ts";
import { within } from "../../application/within.ts";
import { putIntoOutbox } from "./outbox.ts";
import type { OutboxRelay } from "./outbox-relay.ts";
import { outgoingJob } from "./outgoing-job.ts";
import { asUnavailable } from "./sql-errors.ts";

export interface OutboxQueueOptions {
  readonly maxPayloadBytes: number;
  readonly relay: OutboxRelay;
  readonly log: JobLogger;
}

/** How long a caller waits for QStash after its transaction has committed; the relay has more time. */
const PATIENCE_MS = 3_000;

/**
 * QStash takes part in no transaction: jobs are written to the outbox, which commits or rolls back
 * with the rest, and published when it has committed.
 */
export function outboxJobs(
  registry: JobRegistry,
  { maxPayloadBytes, relay, log }: OutboxQueueOptions,
): (sql: SqlExecutor) => TransactionJobs {
  return (sql) => {
    const ids: string[] = [];
    const put = async (prepared: readonly PreparedJob[]) => {
      const jobs = await Promise.all(prepared.map(outgoingJob));
      await putIntoOutbox(sql, jobs).catch(asUnavailable);
      ids.push(...jobs.map(({ id }) => id));
    };
    return {
      queue: checkedQueue(registry, maxPayloadBytes, put),
      async committed() {
        if (ids.length === 0) return;
        const published = relay.publish(ids).catch((err: unknown) => {
          log.warn({ err }, "jobs wait in the outbox: they are published later");
        });
        await within(PATIENCE_MS, published, () => undefined);
      },
    };
  };
}

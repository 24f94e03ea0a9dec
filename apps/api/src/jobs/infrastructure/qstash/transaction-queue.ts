import { TransactionEndedError } from "../../application/job-errors.ts";
import type { TransactionJobs } from "../../application/job-provider.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger, SqlExecutor } from "../../application/ports.ts";
import { checkedQueue } from "../../application/prepare-enqueue.ts";
import { withTimeout } from "../common/with-timeout.ts";
import { putIntoOutbox } from "../sql/outbox.ts";
import { enqueueError } from "../sql/postgres-errors.ts";
import { type EncodingCheck, storableForm } from "../sql/text-encoding.ts";
import { withKeyDigest } from "./enqueue-jobs.ts";
import type { OutboxRelay } from "./outbox-relay.ts";

/** How long a caller waits for QStash after its commit. The relay takes longer if it must. */
const COMMITTED_TIMEOUT_MS = 3_000;

interface TransactionPorts {
  readonly relay: OutboxRelay;
  readonly log: JobLogger;
  readonly isUtf8: EncodingCheck;
}

/**
 * The jobs of one transaction. QStash knows no transactions: the jobs are written to the outbox, and
 * published after the commit.
 */
export function createTransactionJobs(
  registry: JobRegistry,
  maxPayloadBytes: number,
  sql: SqlExecutor,
  { relay, log, isUtf8 }: TransactionPorts,
): TransactionJobs {
  const ids: string[] = [];
  let isOver = false;
  const queue = checkedQueue(registry, maxPayloadBytes, async (prepared) => {
    const jobs = await Promise.all(prepared.map(withKeyDigest));
    if (isOver) throw new TransactionEndedError();
    try {
      const texts = jobs.map(({ json }) => json);
      const form = await storableForm(sql, isUtf8, texts);
      await putIntoOutbox(
        sql,
        jobs.map((job) => ({ ...job, json: form(job.json) })),
      );
    } catch (cause) {
      throw enqueueError("qstash", jobs, cause);
    }
    ids.push(...jobs.map(({ id }) => id));
    // The outbox takes keys when it publishes.
    return jobs.map(({ id }) => ({ id, absorbed: false }));
  });
  return {
    ...queue,
    ended() {
      isOver = true;
    },
    async committed() {
      isOver = true;
      if (ids.length === 0) return;
      const published = relay.publish(ids).catch((err: unknown) => {
        log.warn({ err }, "outbox jobs not published yet");
      });
      await withTimeout(COMMITTED_TIMEOUT_MS, published, () => undefined);
    },
  };
}

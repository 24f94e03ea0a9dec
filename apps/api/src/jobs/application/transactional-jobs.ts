import type { JobQueue } from "./job-queue.ts";
import type { SqlExecutor } from "./ports.ts";

/** The jobs of one transaction. */
export interface TransactionJobs {
  /** What is enqueued commits and rolls back with the transaction. */
  readonly queue: JobQueue;
  /**
   * To be called when the work has settled, before its transaction commits or rolls back: a queue that
   * sends no statements to be refused refuses what is enqueued from now on.
   */
  readonly ended?: (() => void) | undefined;
  /** To be called once the transaction has committed, and only then. Never rejects. */
  committed(): Promise<void>;
}

/**
 * Binds a queue to a transaction, whose statements `sql` runs. Once the work has settled `sql` has to
 * reject with a `TransactionEndedError`: its connection is somebody else's by then.
 */
export type BindTransactionJobs = (sql: SqlExecutor) => TransactionJobs;

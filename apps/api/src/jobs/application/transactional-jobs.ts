import type { JobQueue } from "./job-queue.ts";
import type { SqlExecutor } from "./ports.ts";

/** The jobs of one transaction. */
export interface TransactionJobs {
  /** What is enqueued commits and rolls back with the transaction. */
  readonly queue: JobQueue;
  /** To be called once the transaction has committed, and only then. Never rejects. */
  committed(): Promise<void>;
}

/** Binds a queue to a transaction, whose statements `sql` runs. */
export type BindTransactionJobs = (sql: SqlExecutor) => TransactionJobs;

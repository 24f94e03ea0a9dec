import type { EventLog } from "./events.ts";

/** A transaction. Features add their repositories by declaration merging. */
export interface Transaction {
  readonly events: EventLog;
}

/** A transaction that only reads: repositories, but no events and no jobs. */
export type ReadTransaction = Omit<Transaction, "events" | "jobs" | "processed">;

export interface UnitOfWork {
  /** Commits when `work` resolves and rolls back when it rejects. */
  run<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Reads from one snapshot of the database. Writing fails. */
  read<T>(work: (tx: ReadTransaction) => Promise<T>): Promise<T>;
}

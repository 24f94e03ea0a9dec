import type { EventRecorder } from "./events.ts";

/** What a transaction offers. Features add their repositories by declaration merging. */
export interface Transaction {
  readonly events: EventRecorder;
}

/** The repositories of a transaction that only reads: nothing happens in it. */
export type ReadTransaction = Omit<Transaction, "events" | "jobs" | "processed">;

export interface UnitOfWork {
  /**
   * Commits when `work` resolves and rolls back when it rejects; then, and only after a commit,
   * publishes the events that were recorded.
   */
  run<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** One snapshot of the database; writing fails. */
  read<T>(work: (tx: ReadTransaction) => Promise<T>): Promise<T>;
}

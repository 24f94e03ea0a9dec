import type { DeadJobs } from "../application/dead-jobs.ts";
import type { JobDefinition } from "../application/job-definition.ts";
import type { BulkJobQueue } from "../application/job-queue.ts";
import type { ProviderSupport } from "../application/provider-features.ts";
import type { JobRuntime } from "../application/job-runtime.ts";
import type { Ledger } from "../application/ledger.ts";
import type { JobLogger } from "../application/ports.ts";
import type { ProviderFeature } from "../application/provider-features.ts";

/** Lets the contract's cases run on one provider. Each adapter writes one. */
export interface ContractHarness {
  /** The name and the unsupported features. A provider value fits. */
  readonly provider: ProviderSupport;
  /** More cases, by topic, for behaviour that only this provider has. */
  readonly ownCases?: Readonly<Record<string, readonly ContractCase[]>>;
  /** Opens an empty storage with these jobs in the registry. */
  open(definitions: readonly JobDefinition[]): Promise<ContractWorld>;
}

/** One provider on an empty storage, and everything that a case may do with it. */
export interface ContractWorld {
  readonly queue: BulkJobQueue;
  /** Returns the queue of another process on the same storage, whose code may differ. */
  queueOf(definitions: readonly JobDefinition[]): BulkJobQueue;
  /** Makes another instance and does not start it. `close` stops it. */
  runtime(options?: RuntimeOptions): JobRuntime;
  /**
   * Ends the instance as if its process had died. Its handlers may go on in this process, but their
   * outcome must not count.
   */
  crash(runtime: JobRuntime): Promise<void>;
  /** The time that the provider compares a `runAt` with. */
  now(): Date;
  /** Makes this many seconds pass for waiting jobs. */
  elapse(seconds: number): Promise<void>;
  /** Acts as if the schedules were known this many minutes ago, and nothing ran since. */
  missMinutes(minutes: number): Promise<void>;
  /** Returns the times in `(after, until]` at which the provider makes a job of this schedule. */
  ticks(definition: JobDefinition, after: Date, until: Date): Promise<readonly Date[]>;
  /**
   * Commits when `work` resolves and rolls back when it rejects. Required of a provider that supports
   * `transactions`.
   */
  readonly transaction?: <T>(work: (tx: ContractTransaction) => Promise<T>) => Promise<T>;
  /** Required of a provider that supports `replay`. */
  readonly dead?: DeadJobs;
  /** Returns the dead jobs, the first death first. */
  deadJobs(): Promise<readonly DeadJob[]>;
  /** Counts the jobs that wait for the attempt after this failed one. */
  waitingAfter(attempt: number): Promise<number>;
  /** Counts the jobs that wait or run. */
  pendingCount(): Promise<number>;
  /** Counts the jobs that wait. */
  waitingCount(): Promise<number>;
  close(): Promise<void>;
}

/** A transaction of an app, with a table of effects for the cases to write to. */
export interface ContractTransaction {
  readonly jobs: BulkJobQueue;
  readonly processed: Ledger;
  /** Writes a row, as the app's domain would. */
  addEffect(effect: string): Promise<void>;
  /** Returns the effects that this transaction sees, in order. */
  effects(): Promise<readonly string[]>;
}

export interface RuntimeOptions {
  /** Default: the definitions of the world. */
  readonly definitions?: readonly JobDefinition[];
  /** Default: 2. */
  readonly concurrency?: number;
  /** Default: 100. */
  readonly shutdownGraceMs?: number;
  /** Default: one that is silent. */
  readonly log?: JobLogger;
}

export interface DeadJob {
  readonly name: string;
  readonly attempts: number;
  readonly lastError: string;
}

/** One behaviour that every provider must have. `run` rejects if the provider lacks it. */
export interface ContractCase {
  readonly title: string;
  /** The case is skipped, with the reason, on a provider that does not support one of these. */
  readonly needs?: readonly ProviderFeature[];
  readonly run: (harness: ContractHarness) => Promise<void>;
}

import type { DeadJobs } from "../application/dead-jobs.ts";
import type { JobDefinition } from "../application/job-definition.ts";
import type { BulkJobQueue } from "../application/job-queue.ts";
import type { ProviderSupport } from "../application/provider-features.ts";
import type { JobRuntime } from "../application/job-runtime.ts";
import type { Ledger } from "../application/ledger.ts";
import type { ProviderFeature } from "../application/provider-features.ts";

/** What an adapter implements to be put to the contract's cases. */
export interface ContractHarness {
  /** The name and the unsupported features. A provider value fits. */
  readonly provider: ProviderSupport;
  /** Cases beside the contract's, by topic: what only this provider can get wrong. */
  readonly ownCases?: Readonly<Record<string, readonly ContractCase[]>>;
  /** An empty provider with these jobs in its registry. */
  open(definitions: readonly JobDefinition[]): Promise<ContractWorld>;
}

/** One provider, and everything a case may do with it. */
export interface ContractWorld {
  readonly queue: BulkJobQueue;
  /** A queue of another process on the same storage, which may have another version of the code. */
  queueOf(definitions: readonly JobDefinition[]): BulkJobQueue;
  /** Another instance of the executing process, not started. `close` stops it at the latest. */
  runtime(options?: RuntimeOptions): JobRuntime;
  /**
   * The instance dies: what it was doing is lost, and nobody is told. Its handlers may still be
   * running in this process; nothing of their end is heard any more.
   */
  crash(runtime: JobRuntime): Promise<void>;
  /** The time from which a `runAt` counts. */
  now(): Date;
  /** Makes time pass for jobs that wait, in seconds. */
  elapse(seconds: number): Promise<void>;
  /** As if nothing had run for the last minutes, which the schedules had known before. */
  missMinutes(minutes: number): Promise<void>;
  /** The times in `(after, until]` at which the provider makes a job of the scheduled definition. */
  ticks(definition: JobDefinition, after: Date, until: Date): Promise<readonly Date[]>;
  /**
   * Commits when `work` resolves and rolls back when it rejects; for a provider that does not lack
   * `transactions`.
   */
  readonly transaction?: <T>(work: (tx: ContractTransaction) => Promise<T>) => Promise<T>;
  /** What a person can do with dead jobs; for a provider that does not lack `replay`. */
  readonly dead?: DeadJobs;
  /** Jobs that no further attempt will be made of, in the order of their deaths. */
  deadJobs(): Promise<readonly DeadJob[]>;
  /** How many jobs wait for the attempt after their failed attempt `n`. */
  waitingAfter(attempt: number): Promise<number>;
  /** Jobs that are not dead and not done, running or not. */
  pendingCount(): Promise<number>;
  /** Those of them that are not running. */
  waitingCount(): Promise<number>;
  close(): Promise<void>;
}

/** A transaction of an app, with a table of effects that the cases write to. */
export interface ContractTransaction {
  readonly jobs: BulkJobQueue;
  readonly processed: Ledger;
  /** A write of the app's domain. */
  addEffect(effect: string): Promise<void>;
  /** All that this transaction can see, in order. */
  effects(): Promise<readonly string[]>;
}

export interface RuntimeOptions {
  /** Default: the definitions of the world. */
  readonly definitions?: readonly JobDefinition[];
  /** Default: 2. */
  readonly concurrency?: number;
  /** Default: 100. */
  readonly shutdownGraceMs?: number;
}

export interface DeadJob {
  readonly name: string;
  readonly attempts: number;
  readonly lastError: string;
}

/** A behaviour that every provider must show. `run` rejects when it does not. */
export interface ContractCase {
  readonly title: string;
  /** Skipped, with the reason, on a provider that lacks one of these. */
  readonly needs?: readonly ProviderFeature[];
  readonly run: (harness: ContractHarness) => Promise<void>;
}

import type { JobDefinition } from "../application/job-definition.ts";
import type { JobQueue } from "../application/job-queue.ts";
import type { JobRuntime } from "../application/job-runtime.ts";

/** What an adapter implements to be put to the contract's cases. */
export interface ContractHarness {
  readonly provider: string;
  /** An empty provider with these jobs in its registry. */
  open(definitions: readonly JobDefinition[]): Promise<ContractWorld>;
}

/** One provider, and everything a case may do with it. */
export interface ContractWorld {
  readonly queue: JobQueue;
  /** Another instance of the executing process, not started. `close` stops it at the latest. */
  runtime(options?: RuntimeOptions): JobRuntime;
  /** Makes time pass for jobs that wait, in seconds. */
  elapse(seconds: number): Promise<void>;
  /** As if nothing had run for the last minutes, which the schedules had known before. */
  missMinutes(minutes: number): Promise<void>;
  /** Jobs that no further attempt will be made of. */
  deadJobs(): Promise<readonly DeadJob[]>;
  /** How many jobs wait for the attempt after their failed attempt `n`. */
  waitingAfter(attempt: number): Promise<number>;
  /** Jobs that are not dead and not done, running or not. */
  pendingCount(): Promise<number>;
  close(): Promise<void>;
}

export interface RuntimeOptions {
  /** Default: the definitions of the world. */
  readonly definitions?: readonly JobDefinition[];
  readonly concurrency?: number;
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
  readonly run: (harness: ContractHarness) => Promise<void>;
}

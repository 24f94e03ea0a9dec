import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { JobName } from "./job-types.ts";
import type { JobLogger } from "./ports.ts";

/** The facts of one run. */
export interface RunFacts {
  readonly jobName: JobName;
  readonly jobId: string;
  /** 1 for the first run. Counts every run that began, including one that a crash cut off. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** Aborts when the run times out or its process stops. */
  readonly signal: AbortSignal;
  readonly log: JobLogger;
}

/** The second argument of a handler: the facts of the run and the app's core. */
export type JobContext = OrbitJobs.Core & RunFacts;

export interface JobSchedule {
  readonly cron: string;
  readonly timezone: string;
  readonly payload: unknown;
  /** Missed ticks up to this age are made up, in milliseconds. */
  readonly backfill: number;
}

/** A job bound to its core. Made by {@link defineJob}, checked by `buildJobs`. */
export interface JobDefinition<N extends JobName = JobName> {
  readonly name: N;
  /** The feature that exports the job, for error messages. */
  readonly feature: string | undefined;
  readonly maxAttempts: number;
  /** How long one run may take, in milliseconds. */
  readonly timeout: number;
  readonly schedule: JobSchedule | undefined;
  readonly schema: StandardSchemaV1 | undefined;
  /** The version of payloads that are enqueued now. */
  readonly version: number;
  /** Converts payloads of earlier versions to this one's shape. */
  readonly upgrade: ((payload: unknown, fromVersion: number) => unknown) | undefined;
  readonly priority: number | undefined;
  /** Calls the handler. The payload has passed the schema if there is one. */
  readonly run: (payload: unknown, facts: RunFacts) => Promise<void>;
}

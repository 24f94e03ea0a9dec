import type { JobRegistry } from "../application/job-registry.ts";
import type { JobName, JobPayload } from "../application/job-types.ts";
import type { JobClock, JobLogger } from "../application/ports.ts";
import { prepareEnqueue } from "../application/prepare-enqueue.ts";
import type { RunOutcome } from "../application/run-job.ts";
import { storableText } from "../infrastructure/common/storable-text.ts";
import {
  addJobs,
  claimJob,
  createMemoryRuntime,
  createMemoryStore,
  makeTicks,
  type MemoryRuntime,
  type MemoryStore,
  nextDue,
  nextTickAt,
  runStoredJob,
  syncMemorySchedules,
} from "../infrastructure/memory/memory-provider.ts";
import {
  DEFAULT_MAX_PAYLOAD_BYTES,
  type DefinitionsSource,
  registryFrom,
  silentLog,
} from "./helper-defaults.ts";
import { recordEnqueues, type RecordingJobQueue } from "./recording-job-queue.ts";

export interface InMemoryJobsOptions {
  /** Tells the time before `advance` adds to it. Default: the system's clock, real or faked. */
  readonly clock?: JobClock;
  /** Default: 1 MiB, the default of `JOBS_MAX_PAYLOAD_BYTES`. */
  readonly maxPayloadBytes?: number;
  /** Default: a log that drops every line. */
  readonly log?: JobLogger;
}

export interface InMemoryRuntimeOptions {
  /** How many jobs run at a time. Default: 2. */
  readonly concurrency?: number;
  /** How long `stop()` lets running handlers finish, in milliseconds. Default: 100. */
  readonly shutdownGraceMs?: number;
}

export interface DrainOptions {
  /** Return failed runs with the others instead of rejecting. Default: false. */
  readonly allowFailures?: boolean;
  /** Default: 1,000. */
  readonly maxRuns?: number;
}

/** A job and facts about it. A check of `name` gives `payload` its type. */
export type JobView<Facts> = {
  [N in JobName]: { readonly name: N; readonly payload: JobPayload<N> } & Facts;
}[JobName];

export type FinishedRun = JobView<{
  readonly jobId: string;
  readonly attempt: number;
  /** `failed`: waits for its back-off. `dead`: gets no further attempt. */
  readonly outcome: RunOutcome["status"];
  /** The value that the handler threw; `undefined` after success. */
  readonly error: unknown;
}>;

export type PendingJob = JobView<{
  readonly jobId: string;
  /** How many runs began. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** The next attempt starts no sooner. */
  readonly runAt: Date;
}>;

export type DeadInMemoryJob = JobView<{
  readonly jobId: string;
  readonly attempts: number;
  readonly lastError: string;
}>;

/** A complete provider in memory, which keeps the contract. */
export interface InMemoryJobs {
  /** The queue for the code under test. It also records, for `toHaveEnqueued`. */
  readonly queue: RecordingJobQueue;
  /** The provider's time: the clock, and everything that `advance` added. */
  readonly clock: JobClock;
  /**
   * Runs due jobs one after another, and the due jobs that those runs enqueue, until none is due. Jobs
   * that are due later stay: `advance` and drain again.
   *
   * @returns the runs, in order
   * @throws AggregateError of the handlers' errors if runs failed and `allowFailures` is not set. It is
   * thrown after everything due has run.
   * @throws Error after `maxRuns` runs
   */
  drain(options?: DrainOptions): Promise<readonly FinishedRun[]>;
  /**
   * Moves the time forward. Each schedule tick on the way makes a job that is due.
   *
   * @throws RangeError if `seconds` is negative or not finite
   */
  advance(seconds: number): void;
  /** The jobs that wait or run, ordered by run time. */
  readonly pending: readonly PendingJob[];
  /** The dead jobs, the first death first. */
  readonly dead: readonly DeadInMemoryJob[];
  /** Makes a worker on these jobs, for tests that need a running one. Does not start it. */
  runtime(options?: InMemoryRuntimeOptions): MemoryRuntime;
}

/**
 * Keeps jobs in memory and runs them when the test calls `drain`. Schedules count from this call.
 *
 * @throws Error that lists the problems which `buildJobs` finds
 */
export function inMemoryJobs(
  definitions: DefinitionsSource<[clock: JobClock]>,
  options: InMemoryJobsOptions = {},
): InMemoryJobs {
  return inMemoryJobsOn(createMemoryStore(options.clock), definitions, options);
}

/** Does the same on a store that callers may share, as processes share a database. */
export function inMemoryJobsOn(
  store: MemoryStore,
  definitions: DefinitionsSource<[clock: JobClock]>,
  {
    maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES,
    log = silentLog,
  }: Omit<InMemoryJobsOptions, "clock"> = {},
): InMemoryJobs {
  const clock: JobClock = { now: () => new Date(store.now()) };
  const queue = recordEnqueues(
    (name, payload, options) => prepareEnqueue(registry, maxPayloadBytes, name, payload, options),
    async (jobs) => addJobs(store, jobs),
  );
  const registry = registryFrom(definitions, queue, clock);
  syncMemorySchedules(store, registry);
  return {
    queue,
    clock,
    drain: (options) => drain(store, registry, log, options),
    advance(seconds) {
      if (!(seconds >= 0 && seconds < Number.POSITIVE_INFINITY)) {
        throw new RangeError(`The time cannot advance by ${seconds} seconds.`);
      }
      let left = seconds * 1_000;
      // Stop at each tick: after one long step, ticks older than `backfill` would count as missed.
      while (left > 0) {
        const now = store.now();
        const tickAt = nextTickAt(store, registry) ?? Number.POSITIVE_INFINITY;
        const step = Math.min(left, Math.max(1, tickAt - now));
        store.advance(step);
        makeTicks(store, registry, tickAt);
        left -= step;
      }
    },
    get pending() {
      return pendingJobs(store);
    },
    get dead() {
      return deadJobs(store);
    },
    runtime: ({ concurrency = 2, shutdownGraceMs = 100 } = {}) =>
      createMemoryRuntime(registry, { store, concurrency, shutdownGraceMs, log }),
  };
}

async function drain(
  store: MemoryStore,
  registry: JobRegistry,
  log: JobLogger,
  { allowFailures = false, maxRuns = 1_000 }: DrainOptions = {},
): Promise<readonly FinishedRun[]> {
  const owner = crypto.randomUUID();
  const { signal } = new AbortController();
  const runs: FinishedRun[] = [];
  while (hasDueJob(store, registry)) {
    if (runs.length >= maxRuns) throw tooManyRuns(runs);
    const job = claimJob(store, registry, owner);
    if (!job) break;
    const { id: jobId, attempts: attempt } = job;
    const outcome = await runStoredJob(store, registry, job, { signal, log });
    const error = outcome.status === "succeeded" ? undefined : outcome.thrown;
    runs.push(jobView(job, { jobId, attempt, outcome: outcome.status, error }));
  }
  return allowFailures ? runs : withoutFailures(runs);
}

function hasDueJob(store: MemoryStore, registry: JobRegistry): boolean {
  const due = nextDue(store, registry);
  return due !== undefined && due <= store.now();
}

function tooManyRuns(runs: readonly FinishedRun[]): Error {
  const last = runs.slice(-3).map(({ name }) => name);
  return new Error(
    `drain() has run ${runs.length} jobs and more are due (… ${last.join(", ")}). ` +
      "Does a job enqueue itself for ever? If you expect so many runs, pass { maxRuns }.",
  );
}

function withoutFailures(runs: readonly FinishedRun[]): readonly FinishedRun[] {
  const failures = runs.filter(({ outcome }) => outcome !== "succeeded");
  if (failures.length === 0) return runs;
  const lines = failures.map(
    ({ name, attempt, outcome, error }) =>
      `- ${name}, attempt ${attempt}, ${outcome}: ${storableText(error)}`,
  );
  const errors = failures.map(({ error }) => error);
  throw new AggregateError(
    errors,
    `${failures.length} of ${runs.length} runs failed. If you expect failures, call drain({ allowFailures: true }).\n` +
      lines.join("\n"),
    { cause: errors[0] },
  );
}

function pendingJobs(store: MemoryStore): readonly PendingJob[] {
  return [...store.jobs.values()]
    .toSorted((one, other) => one.runAt - other.runAt)
    .map((job) => {
      const { id: jobId, attempts, maxAttempts, runAt } = job;
      return jobView(job, { jobId, attempts, maxAttempts, runAt: new Date(runAt) });
    });
}

function deadJobs(store: MemoryStore): readonly DeadInMemoryJob[] {
  return store.dead.map((job) => {
    const { id: jobId, attempts, lastError } = job;
    return jobView({ name: job.name, json: job.payload }, { jobId, attempts, lastError });
  });
}

function jobView<Facts>(
  { name, json }: { readonly name: string; readonly json: string },
  facts: Facts,
): JobView<Facts> {
  // The signature of `enqueue` bound the payload to the name.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { name, payload: JSON.parse(json) as unknown, ...facts } as JobView<Facts>;
}

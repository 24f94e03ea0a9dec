import type { JobClock, JobLogger } from "../application/ports.ts";
import { prepareEnqueue } from "../application/prepare-enqueue.ts";
import {
  addJobs,
  createMemoryRuntime,
  createMemoryStore,
  makeTicks,
  type MemoryRuntime,
  type MemoryStore,
  nextTickAt,
  syncMemorySchedules,
} from "../infrastructure/memory/memory-provider.ts";
import {
  DEFAULT_MAX_PAYLOAD_BYTES,
  type DefinitionsSource,
  registryFrom,
} from "./definitions-source.ts";
import { type DrainOptions, drainStore, type FinishedRun } from "./drain.ts";
import { recordEnqueues, type RecordingJobQueue } from "./enqueue-record.ts";
import { deadJobs, type DeadInMemoryJob, type PendingJob, pendingJobs } from "./memory-views.ts";
import { silentLog } from "./silent-log.ts";

export interface InMemoryJobsOptions {
  /** What time is counted from. Default: the system's clock, also when a test fakes it. */
  readonly clock?: JobClock;
  /** Default: 1 MiB, the default of `JOBS_MAX_PAYLOAD_BYTES`. */
  readonly maxPayloadBytes?: number;
  /** Default: a silent one. */
  readonly log?: JobLogger;
}

export interface InMemoryRuntimeOptions {
  /** How many jobs at a time. Default: 2. */
  readonly concurrency?: number;
  /** What running handlers get when the runtime stops, in milliseconds. Default: 100. */
  readonly shutdownGraceMs?: number;
}

/** A whole provider in memory: jobs wait, fail, back off, die and tick as the contract says. */
export interface InMemoryJobs {
  /** For the code under test. It also records, for `toHaveEnqueued`. */
  readonly queue: RecordingJobQueue;
  /** The time of this provider: the clock and what was added by `advance`. */
  readonly clock: JobClock;
  /**
   * Runs what is due and what those runs enqueue, one job after another, until nothing is due.
   * Waiting jobs stay: `advance` and drain again.
   *
   * @returns the runs, in order
   * @throws AggregateError after everything that was due has run, if runs failed and
   * `allowFailures` is not set: its `errors` are what the handlers threw
   * @throws Error after `maxRuns` runs
   */
  drain(options?: DrainOptions): Promise<readonly FinishedRun[]>;
  /**
   * Makes time pass at once. Each tick of a schedule on the way becomes a job that is due.
   *
   * @throws RangeError for a time that cannot pass
   */
  advance(seconds: number): void;
  /** Jobs that are neither done nor dead, the next one that is due first. */
  readonly pending: readonly PendingJob[];
  /** Jobs of which no further attempt will be made, in the order of their deaths. */
  readonly dead: readonly DeadInMemoryJob[];
  /** A worker on these jobs, for tests that want one running; not started. */
  runtime(options?: InMemoryRuntimeOptions): MemoryRuntime;
}

/**
 * Keeps jobs in memory and runs them when the test says so. Schedules count from this call.
 *
 * @throws Error what `buildJobs` finds wrong with the definitions
 */
export function inMemoryJobs(
  definitions: DefinitionsSource<[clock: JobClock]>,
  options: InMemoryJobsOptions = {},
): InMemoryJobs {
  return inMemoryJobsOn(createMemoryStore(options.clock), definitions, options);
}

/** The same on a store that others may share, as processes share a database. */
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
    drain: (options) => drainStore(store, registry, log, options),
    advance(seconds) {
      if (!(seconds >= 0 && seconds < Number.POSITIVE_INFINITY))
        throw new RangeError(`time cannot pass by ${seconds} seconds`);
      let left = seconds * 1_000;
      // From tick to tick: in one leap, all that is older than `backfill` would count as missed.
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

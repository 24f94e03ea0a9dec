import type { DeadJob } from "../../application/dead-jobs.ts";
import type { AddedJob } from "../../application/job-queue.ts";
import { type JobClock, systemClock } from "../../application/ports.ts";
import type { PreparedJob } from "../../application/prepare-enqueue.ts";
import { createWaitingJobs, type StoredJob, type WaitingJobs } from "./waiting-jobs.ts";

/** Holds the jobs of one memory provider. They end with the process. */
export interface MemoryStore {
  /** Unix milliseconds: the clock's time plus everything that {@link MemoryStore.advance} added. */
  now(): number;
  /** Moves the time forward by `ms` milliseconds. */
  advance(ms: number): void;
  /** By id, in the order of enqueues. */
  readonly jobs: Map<string, StoredJob>;
  /** The jobs that no instance runs. */
  readonly waiting: WaitingJobs;
  /** Adds a waiting job. */
  add(job: Omit<StoredJob, "arrival" | "owner">): void;
  /** The last {@link DEAD_LIMIT} deaths, the oldest first. */
  readonly dead: DeadJob[];
  /** The id of the job that waits with a key, by name and key. */
  readonly keys: Map<string, string>;
  /** The time up to which a schedule's ticks were made, in Unix milliseconds, by its identity. */
  readonly tickedUntil: Map<string, number>;
  /** Calls `listener` whenever there may be work. Returns a function that unsubscribes. */
  onChange(listener: () => void): () => void;
  changed(): void;
}

export const DEAD_LIMIT = 1_000;

export function createMemoryStore(clock: JobClock = systemClock): MemoryStore {
  const listeners = new Set<() => void>();
  let offset = 0;
  const changed = () => {
    for (const listener of listeners) listener();
  };
  const jobs = new Map<string, StoredJob>();
  const waiting = createWaitingJobs();
  let arrivals = 0;
  return {
    jobs,
    waiting,
    add(added) {
      const job = { ...added, arrival: arrivals++, owner: undefined };
      jobs.set(job.id, job);
      waiting.put(job);
    },
    dead: [],
    keys: new Map(),
    tickedUntil: new Map(),
    now: () => clock.now().getTime() + offset,
    advance(ms) {
      offset += ms;
      changed();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    changed,
  };
}

/** Adds all jobs in one step. A job whose key is taken is absorbed. */
export function addJobs(store: MemoryStore, prepared: readonly PreparedJob[]): readonly AddedJob[] {
  const added = prepared.map(({ runAt, jobKey, ...job }): AddedJob => {
    const key = jobKey === undefined ? undefined : JSON.stringify([job.name, jobKey]);
    const holder = key === undefined ? undefined : store.keys.get(key);
    if (holder !== undefined) return { id: holder, absorbed: true };
    if (key !== undefined) store.keys.set(key, job.id);
    store.add({ ...job, key, attempts: 0, runAt: runAt?.getTime() ?? store.now() });
    return { id: job.id, absorbed: false };
  });
  store.changed();
  return added;
}

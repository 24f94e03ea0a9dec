import type { DeadJob } from "../../application/dead-jobs.ts";
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

/** Adds all jobs in one step. Skips a job whose key is taken. */
export function addJobs(store: MemoryStore, prepared: readonly PreparedJob[]): void {
  for (const { runAt, jobKey, ...job } of prepared) {
    const key = jobKey === undefined ? undefined : JSON.stringify([job.name, jobKey]);
    if (key !== undefined && store.keys.has(key)) continue;
    if (key !== undefined) store.keys.set(key, job.id);
    store.add({ ...job, key, attempts: 0, runAt: runAt?.getTime() ?? store.now() });
  }
  store.changed();
}

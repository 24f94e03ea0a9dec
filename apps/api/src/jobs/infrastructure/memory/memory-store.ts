import type { DeadJob } from "../../application/dead-jobs.ts";
import type { JobClock } from "../../application/ports.ts";
import type { PreparedJob } from "../../application/prepare-enqueue.ts";
import type { StoredJob } from "./stored-job.ts";
import { createWaitingJobs, type WaitingJobs } from "./waiting-jobs.ts";

/** Where the jobs of `JOBS_PROVIDER=memory` are: gone with the process. */
export interface MemoryStore {
  /** Unix milliseconds, by the clock and what was added with {@link MemoryStore.advance}. */
  now(): number;
  /** Makes `ms` milliseconds pass at once. */
  advance(ms: number): void;
  /** By id, in the order they came. */
  readonly jobs: Map<string, StoredJob>;
  /** Those of them that nobody runs. */
  readonly waiting: WaitingJobs;
  /** Stores a job that waits. */
  add(job: Omit<StoredJob, "arrival" | "owner">): void;
  /** The last {@link DEAD_LIMIT}, the oldest first. */
  readonly dead: DeadJob[];
  /** By job name and key: the id of the job that waits with it. */
  readonly keys: Map<string, string>;
  /** By a schedule's identity: until when its ticks were made, in unix milliseconds. */
  readonly tickedUntil: Map<string, number>;
  /** Calls `listener` whenever there may be something to do; returns what ends that. */
  onChange(listener: () => void): () => void;
  changed(): void;
}

export const DEAD_LIMIT = 1_000;

const systemClock: JobClock = { now: () => new Date() };

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

/** Stores all of them at once, but for those whose key is taken. */
export function addJobs(store: MemoryStore, prepared: readonly PreparedJob[]): void {
  for (const { definition, json, runAt, jobKey, maxAttempts } of prepared) {
    const { name, version, priority = 0 } = definition;
    const key = jobKey === undefined ? undefined : JSON.stringify([name, jobKey]);
    if (key !== undefined && store.keys.has(key)) continue;
    const id = crypto.randomUUID();
    if (key !== undefined) store.keys.set(key, id);
    const due = runAt?.getTime() ?? store.now();
    const attempts = 0;
    store.add({ id, name, json, version, priority, key, maxAttempts, attempts, runAt: due });
  }
  store.changed();
}

import type { JobRegistry } from "../../application/job-registry.ts";
import { backOffMs } from "../../application/retry-policy.ts";
import { storableStack, storableText } from "../../application/storable-text.ts";
import { DEAD_LIMIT, type MemoryStore } from "./memory-store.ts";
import type { StoredJob } from "./stored-job.ts";

/** The next job that is due and known, from now on `owner`'s: its attempt counts and its key is free. */
export function claimJob(
  store: MemoryStore,
  registry: JobRegistry,
  owner: string,
): StoredJob | undefined {
  const next = store.waiting.takeDue(registry, store.now());
  if (!next) return undefined;
  next.owner = owner;
  next.attempts += 1;
  freeKey(store, next);
  return next;
}

/** When the first of the waiting jobs is due, in unix milliseconds. */
export function nextDue(store: MemoryStore, registry: JobRegistry): number | undefined {
  return store.waiting.nextDue(registry);
}

export function completeJob(store: MemoryStore, job: StoredJob): void {
  store.jobs.delete(job.id);
}

/** Another attempt is due, after the back-off or at once. */
export function retryJob(store: MemoryStore, job: StoredJob, backOff: boolean): void {
  job.owner = undefined;
  job.runAt = store.now() + (backOff ? backOffMs(job.attempts) : 0);
  if (job.key !== undefined && !store.keys.has(job.key)) store.keys.set(job.key, job.id);
  store.waiting.put(job);
  store.changed();
}

export function buryJob(store: MemoryStore, job: StoredJob, error: unknown): void {
  const { id, name, version, json: payload, attempts, maxAttempts } = job;
  store.jobs.delete(id);
  freeKey(store, job);
  const [lastError, stack] = [storableText(error), storableStack(error)];
  const diedAt = new Date(store.now());
  store.dead.push({ id, name, version, payload, attempts, maxAttempts, lastError, stack, diedAt });
  if (store.dead.length > DEAD_LIMIT) store.dead.shift();
}

/** What an instance leaves behind: whatever it had begun counts as an attempt. */
export function releaseJobs(
  store: MemoryStore,
  owner: string,
  reason: string,
  { backOff }: { readonly backOff: boolean },
): void {
  for (const job of store.jobs.values()) {
    if (job.owner !== owner) continue;
    if (job.attempts >= job.maxAttempts) buryJob(store, job, new Error(reason));
    else retryJob(store, job, backOff && job.attempts > 1);
  }
  store.changed();
}

function freeKey(store: MemoryStore, { id, key }: StoredJob): void {
  if (key !== undefined && store.keys.get(key) === id) store.keys.delete(key);
}

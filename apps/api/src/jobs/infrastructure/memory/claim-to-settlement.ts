import { findJob, type JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger } from "../../application/ports.ts";
import { backOffMs } from "../../application/back-off.ts";
import { type RunOutcome, runJob } from "../../application/run-job.ts";
import { storableStack, storableText } from "../common/storable-text.ts";
import { DEAD_LIMIT, type MemoryStore } from "./store.ts";
import type { StoredJob } from "./waiting-jobs.ts";

// The life of a stored job: claimed, run, and then completed, retried or buried.

/** Claims the next due job of the registry for `owner`. Its attempt counts and its key is free. */
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

/** When the next waiting job is due, in Unix milliseconds. */
export function nextDue(store: MemoryStore, registry: JobRegistry): number | undefined {
  return store.waiting.nextDue(registry);
}

/** Runs a claimed job and settles it, unless another instance took it meanwhile. */
export async function runStoredJob(
  store: MemoryStore,
  registry: JobRegistry,
  job: StoredJob,
  { signal, log }: { readonly signal: AbortSignal; readonly log: JobLogger },
): Promise<RunOutcome> {
  const { owner, attempts } = job;
  const definition = findJob(registry, job.name);
  if (!definition) throw new Error(`A worker without job "${job.name}" claimed it.`);
  const outcome = await runJob(definition, {
    jobId: job.id,
    attempt: attempts,
    maxAttempts: job.maxAttempts,
    payload: JSON.parse(job.json),
    version: job.version,
    signal,
    log,
  });
  const isOurs = store.jobs.get(job.id) === job && job.owner === owner && job.attempts === attempts;
  if (!isOurs) return outcome;
  switch (outcome.status) {
    case "succeeded":
      store.jobs.delete(job.id);
      break;
    case "failed":
      // A stopping worker is no failure of the job: it waits for no back-off.
      retryJob(store, job, !signal.aborted);
      break;
    case "dead":
      buryJob(store, job, outcome.error);
      break;
  }
  return outcome;
}

/** Gives back the jobs of an instance that is gone. Every run that began counts as an attempt. */
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

/** Makes the job wait for its next attempt, with the back-off or without. */
function retryJob(store: MemoryStore, job: StoredJob, backOff: boolean): void {
  job.owner = undefined;
  job.runAt = store.now() + (backOff ? backOffMs(job.attempts) : 0);
  if (job.key !== undefined && !store.keys.has(job.key)) store.keys.set(job.key, job.id);
  store.waiting.put(job);
  store.changed();
}

function buryJob(store: MemoryStore, job: StoredJob, error: unknown): void {
  const { id, name, version, json: payload, attempts, maxAttempts } = job;
  store.jobs.delete(id);
  freeKey(store, job);
  const [lastError, stack] = [storableText(error), storableStack(error)];
  const diedAt = new Date(store.now());
  store.dead.push({ id, name, version, payload, attempts, maxAttempts, lastError, stack, diedAt });
  if (store.dead.length > DEAD_LIMIT) store.dead.shift();
}

function freeKey(store: MemoryStore, { id, key }: StoredJob): void {
  if (key !== undefined && store.keys.get(key) === id) store.keys.delete(key);
}

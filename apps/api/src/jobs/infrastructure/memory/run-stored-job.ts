import { findJob, type JobRegistry } from "../../application/job-registry.ts";
import type { JobLogger } from "../../application/ports.ts";
import { type RunOutcome, runJob } from "../../application/run-job.ts";
import { buryJob, completeJob, retryJob } from "./memory-runs.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { StoredJob } from "./stored-job.ts";

/** Runs a claimed job and writes down what became of it, unless it was taken away meanwhile. */
export async function runStoredJob(
  store: MemoryStore,
  registry: JobRegistry,
  job: StoredJob,
  { signal, log }: { readonly signal: AbortSignal; readonly log: JobLogger },
): Promise<RunOutcome> {
  const { owner, attempts } = job;
  const definition = findJob(registry, job.name);
  if (!definition) throw new Error(`job "${job.name}" was claimed by who does not know it`);
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
      completeJob(store, job);
      break;
    case "failed":
      // It is no failure of the job that its worker stops.
      retryJob(store, job, !signal.aborted);
      break;
    case "dead":
      buryJob(store, job, outcome.error);
      break;
  }
  return outcome;
}

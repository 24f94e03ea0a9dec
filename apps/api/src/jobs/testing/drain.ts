import type { JobRegistry } from "../application/job-registry.ts";
import type { JobLogger } from "../application/ports.ts";
import type { RunOutcome } from "../application/run-job.ts";
import { storableText } from "../infrastructure/common/storable-text.ts";
import {
  claimJob,
  type MemoryStore,
  nextDue,
  runStoredJob,
} from "../infrastructure/memory/memory-provider.ts";
import { type JobView, jobView } from "./memory-views.ts";

export interface DrainOptions {
  /** Return failed runs with the others instead of rejecting. Default: false. */
  readonly allowFailures?: boolean;
  /** Default: 1,000. */
  readonly maxRuns?: number;
}

export type FinishedRun = JobView<{
  readonly jobId: string;
  readonly attempt: number;
  /** `failed`: waits for its back-off. `dead`: no further attempt will be made. */
  readonly outcome: RunOutcome["status"];
  /** What the handler threw; `undefined` after success. */
  readonly error: unknown;
}>;

/** See `InMemoryJobs.drain`. */
export async function drainStore(
  store: MemoryStore,
  registry: JobRegistry,
  log: JobLogger,
  { allowFailures = false, maxRuns = 1_000 }: DrainOptions = {},
): Promise<readonly FinishedRun[]> {
  const owner = crypto.randomUUID();
  const { signal } = new AbortController();
  const runs: FinishedRun[] = [];
  while (!isIdle(store, registry)) {
    if (runs.length >= maxRuns) throw tooMany(runs);
    const job = claimJob(store, registry, owner);
    if (!job) break;
    const { id: jobId, attempts: attempt } = job;
    const outcome = await runStoredJob(store, registry, job, { signal, log });
    const error = outcome.status === "succeeded" ? undefined : outcome.error;
    runs.push(jobView(job, { jobId, attempt, outcome: outcome.status, error }));
  }
  return allowFailures ? runs : withoutFailures(runs);
}

function isIdle(store: MemoryStore, registry: JobRegistry): boolean {
  const due = nextDue(store, registry);
  return due === undefined || due > store.now();
}

function tooMany(runs: readonly FinishedRun[]): Error {
  const last = runs.slice(-3).map(({ name }) => name);
  return new Error(
    `drain() has run ${runs.length} jobs and more are due (… ${last.join(", ")}): ` +
      "does a job enqueue itself for ever? If so many are meant, pass { maxRuns }.",
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
    `${failures.length} of ${runs.length} runs failed; where that is meant, drain({ allowFailures: true }).\n` +
      lines.join("\n"),
    { cause: errors[0] },
  );
}

import path from "node:path";
import type { JobRegistry } from "#src/jobs/application/job-registry.ts";
import type { JobClock, JobLogger } from "#src/jobs/application/ports.ts";
import { runJob } from "#src/jobs/application/run-job.ts";
import { createBell, endOf } from "./bell.ts";
import { claimJob, type RunnableJob } from "./claim-job.ts";
import type { JobDirectory } from "./job-directory.ts";
import { adoptJobs, giveBackJobs } from "./recover-jobs.ts";
import { settleJob } from "./settle-job.ts";
import { holdLease } from "./worker-lease.ts";

export interface WorkerOptions {
  readonly directory: JobDirectory;
  readonly clock: JobClock;
  readonly concurrency: number;
  /** What running handlers get when the runtime stops, in milliseconds. */
  readonly shutdownGraceMs: number;
  readonly log: JobLogger;
}

export interface WorkerSession {
  close(): Promise<void>;
  crash(): Promise<void>;
}

/** How soon a new job is seen. */
const LOOK_MS = 50;

/** How soon the disk is tried again when it failed. */
const TROUBLE_MS = 1_000;

/** What an aborted handler gets to come to its end before its job is given away. */
const UNWIND_MS = 500;

/** From the start of a runtime to its stop. */
export async function openSession(
  registry: JobRegistry,
  { directory, clock, concurrency, shutdownGraceMs, log }: WorkerOptions,
): Promise<WorkerSession> {
  const own = path.join(directory.running, crypto.randomUUID());
  const lease = await holdLease(own, log);
  const bell = createBell();
  const aborting = new AbortController();
  /** By the job's file. */
  const running = new Map<string, Promise<void>>();
  /** Ending: nothing is taken any more. Gone: what still runs is heard no more. */
  const state = { isEnding: false, isGone: false };

  const giveBack = (reason: string, backOff: boolean) =>
    giveBackJobs(directory, own, running, { reason, now: clock.now(), backOff });

  async function look(): Promise<void> {
    await adoptJobs(directory, own);
    await giveBack("The worker died during this run.", true);
    while (!state.isEnding && running.size < concurrency) {
      const claim = await claimJob(directory, registry, own, clock.now());
      if (!claim || state.isGone) return;
      const run = runClaimed(claim).finally(() => {
        running.delete(claim.file);
        bell.ring();
      });
      running.set(claim.file, run);
    }
  }

  async function runClaimed({ job, file, definition }: RunnableJob): Promise<void> {
    const { id: jobId, attempts: attempt, maxAttempts, payload, version } = job;
    const { signal } = aborting;
    const delivery = { jobId, attempt, maxAttempts, payload, version, signal, log };
    const outcome = await runJob(definition, delivery);
    // An attempt that the stop cut short is given back at once instead of after a pause.
    if (signal.aborted && outcome.status === "failed") return;
    while (!state.isGone) {
      try {
        return await settleJob(directory, { job, file }, outcome, clock.now());
      } catch (err) {
        // Until the disk takes it the lease keeps the job from others.
        log.error({ err, jobId }, "the end of a run was not written");
        if (state.isEnding) return;
        await bell.wait(TROUBLE_MS);
      }
    }
  }

  async function work(): Promise<void> {
    while (!state.isEnding) {
      const trouble = await look().catch((err: unknown) => ({ err }));
      if (trouble) log.error(trouble, "a look at the directory failed");
      if (!state.isEnding) await bell.wait(trouble ? TROUBLE_MS : LOOK_MS);
    }
  }

  const end = () => {
    state.isEnding = true;
    bell.ring();
  };
  const working = work();
  return {
    async close() {
      end();
      await working;
      await endOf([...running.values()], shutdownGraceMs);
      aborting.abort(new DOMException("The worker is stopping.", "AbortError"));
      await endOf([...running.values()], UNWIND_MS);
      state.isGone = true;
      running.clear();
      await giveBack("The worker stopped before this run ended.", false).catch((err: unknown) => {
        log.error({ err }, "jobs are free for others only when the lease has run out");
      });
      await lease.release();
    },
    async crash() {
      state.isGone = true;
      end();
      await working;
      await lease.abandon();
    },
  };
}

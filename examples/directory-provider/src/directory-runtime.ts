import { mkdir, rmdir, utimes } from "node:fs/promises";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import type { JobRegistry } from "#src/jobs/application/job-registry.ts";
import type { ObservableJobRuntime } from "#src/jobs/application/job-runtime.ts";
import type { JobClock, JobLogger } from "#src/jobs/application/ports.ts";
import { runJob } from "#src/jobs/application/run-job.ts";
import { createInterval } from "#src/jobs/infrastructure/common/interval.ts";
import { createStartStop } from "#src/jobs/infrastructure/common/start-stop.ts";
import { withTimeout } from "#src/jobs/infrastructure/common/with-timeout.ts";
import {
  adoptJobs,
  claimJob,
  giveBackJobs,
  type RunnableJob,
  settleJob,
} from "./claim-to-settlement.ts";
import { type JobDirectory, prepareDirectory, providerError, unless } from "./job-files.ts";
import { makeTicks, nextTickAt, syncSchedules } from "./schedules.ts";

export interface DirectoryRuntimeOptions {
  readonly directory: JobDirectory;
  readonly clock: JobClock;
  readonly concurrency: number;
  /** How long `stop()` lets running handlers finish, in milliseconds. */
  readonly shutdownGraceMs: number;
  readonly log: JobLogger;
}

/** A runtime that tests can crash. */
export interface DirectoryRuntime extends ObservableJobRuntime {
  /** Ends as if the process had died: the runs in flight are lost. */
  crash(): Promise<void>;
}

/** How often the worker looks for jobs. */
const LOOK_MS = 50;

/** The pause after an error of the disk. */
const TROUBLE_MS = 1_000;

/** How long an aborted handler may take to end before its job is given away. */
const UNWIND_MS = 500;

/** How often the worker shows that it lives. See `LEASE_MS` in claim-to-settlement.ts. */
const BEAT_MS = 500;

/** Runs the jobs of a directory. Any number of processes of one machine may do so at once. */
export function createDirectoryRuntime(
  registry: JobRegistry,
  options: DirectoryRuntimeOptions,
): DirectoryRuntime {
  let session: Session | undefined;
  const { start, stop } = createStartStop(async () => {
    const opened = await openSession(registry, options).catch((error: unknown) => {
      throw providerError(error);
    });
    session = opened;
    return async () => {
      if (session === opened) session = undefined;
      await opened.close(options.shutdownGraceMs);
    };
  });
  return {
    provider: "directory",
    get connected() {
      return session !== undefined;
    },
    start,
    stop,
    async crash() {
      const crashed = session;
      session = undefined;
      await crashed?.crash();
    },
  };
}

interface Session {
  close(graceMs: number): Promise<void>;
  crash(): Promise<void>;
}

/** One worker, from start to stop. */
async function openSession(
  registry: JobRegistry,
  { directory, clock, concurrency, log }: DirectoryRuntimeOptions,
): Promise<Session> {
  await prepareDirectory(directory);
  await syncSchedules(directory, registry, clock.now());
  const own = path.join(directory.running, crypto.randomUUID());
  const lease = await holdLease(own, log);
  /** Aborts when the worker takes no more jobs. */
  const ending = new AbortController();
  /** Aborts the handlers. */
  const aborting = new AbortController();
  /** Runs in flight, by the job's file. */
  const running = new Map<string, Promise<void>>();
  /** A worker that is gone stores nothing more, since other workers may have its jobs. */
  const state = { isGone: false };
  /** The next time to make ticks. It starts at now, so that missed ticks are made up first. */
  let tickAt = clock.now().getTime();
  let looking: Promise<void> = Promise.resolve();

  /** Looks run one after another: a look must not give back what another is claiming. */
  function look(): Promise<void> {
    looking = looking.then(takeJobs).catch(async (err: unknown) => {
      log.error({ err }, "directory not readable, trying again");
      await pause();
    });
    return looking;
  }

  async function takeJobs(): Promise<void> {
    if (ending.signal.aborted) return;
    await adoptJobs(directory, own);
    await giveBack("The worker died during this run.", true);
    await makeDueTicks();
    while (!ending.signal.aborted && running.size < concurrency) {
      const claim = await claimJob(directory, registry, own, clock.now());
      if (!claim || state.isGone) return;
      const run = runClaimed(claim).finally(() => {
        running.delete(claim.file);
        void look();
      });
      running.set(claim.file, run);
    }
  }

  async function makeDueTicks(): Promise<void> {
    const now = clock.now();
    if (now.getTime() < tickAt) return;
    await makeTicks(directory, registry, own, { now, awaited: tickAt });
    tickAt = nextTickAt(registry, now);
  }

  async function runClaimed({ job, file, definition }: RunnableJob): Promise<void> {
    const { id: jobId, attempts: attempt, maxAttempts, payload, version } = job;
    const { signal } = aborting;
    const delivery = { jobId, attempt, maxAttempts, payload, version, signal, log };
    const outcome = await runJob(definition, delivery);
    // A stopping worker is no failure of the job: close() gives it back without a back-off.
    if (signal.aborted && outcome.status === "failed") return;
    while (!state.isGone) {
      try {
        return await settleJob(directory, { job, file }, outcome, clock.now());
      } catch (err) {
        // The lease keeps the job from other workers meanwhile.
        log.error({ err, jobId }, "job not settled, trying again");
        if (ending.signal.aborted) return;
        await pause();
      }
    }
  }

  function giveBack(reason: string, backOff: boolean): Promise<void> {
    return giveBackJobs(directory, own, running, { reason, now: clock.now(), backOff });
  }

  /** Ends early when the worker ends. */
  async function pause(): Promise<void> {
    await setTimeout(TROUBLE_MS, undefined, { signal: ending.signal }).catch(() => undefined);
  }

  const interval = createInterval(LOOK_MS, look);
  interval.start();

  async function end(): Promise<void> {
    ending.abort();
    await interval.stop();
    await looking;
  }

  return {
    async close(graceMs) {
      await end();
      await withTimeout(graceMs, Promise.allSettled(running.values()), () => undefined);
      aborting.abort(new DOMException("The worker is stopping.", "AbortError"));
      await withTimeout(UNWIND_MS, Promise.allSettled(running.values()), () => undefined);
      state.isGone = true;
      running.clear();
      await giveBack("The worker stopped before this run ended.", false).catch((err: unknown) => {
        log.error({ err }, "jobs not given back, others take them when the lease expires");
      });
      await lease.release();
    },
    async crash() {
      state.isGone = true;
      await end();
      await lease.expire();
    },
  };
}

interface Lease {
  /** Removes the worker's folder if it is empty. */
  release(): Promise<void>;
  /** Makes the lease look long expired. */
  expire(): Promise<void>;
}

/** Makes the worker's folder and touches it again and again. */
async function holdLease(own: string, log: JobLogger): Promise<Lease> {
  await mkdir(own);
  const touch = (time: Date) =>
    unless(
      "ENOENT",
      utimes(own, time, time).then(() => true),
    );
  const beat = async () => {
    // Another worker removes the folder if it takes this worker for dead.
    if (!(await touch(new Date()))) await mkdir(own, { recursive: true });
  };
  const beats = createInterval(BEAT_MS, () =>
    beat().catch((err: unknown) => log.warn({ err }, "lease not renewed")),
  );
  beats.start();
  return {
    async release() {
      await beats.stop();
      // If files are left in it, other workers take them when the lease expires.
      await rmdir(own).catch(() => undefined);
    },
    async expire() {
      await beats.stop();
      await touch(new Date(0)).catch(() => undefined);
    },
  };
}

import { findNextTicks } from "../../application/cron.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { ObservableJobRuntime } from "../../application/job-runtime.ts";
import type { JobLogger } from "../../application/ports.ts";
import { createStartStop } from "../common/start-stop.ts";
import { withTimeout } from "../common/with-timeout.ts";
import { claimJob, nextDue, releaseJobs, runStoredJob } from "./claim-to-settlement.ts";
import { makeTicks, nextTickAt, syncMemorySchedules } from "./schedules.ts";
import type { MemoryStore } from "./store.ts";

export interface MemoryRuntimeOptions {
  readonly store: MemoryStore;
  readonly concurrency: number;
  /** How long `stop()` lets running handlers finish, in milliseconds. */
  readonly shutdownGraceMs: number;
  readonly log: JobLogger;
}

/** The longest delay that `setTimeout` supports. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** How long an aborted handler may take to end before its job is given away. */
const UNWIND_MS = 500;

/**
 * How many runs may begin before timers and sockets get a turn. Jobs that wait for nothing follow each
 * other without a pause.
 */
const CLAIMS_PER_TURN = 100;

/** How many missed ticks are made up before timers and sockets get a turn. */
const TICKS_PER_TURN = 500;

/** A runtime that tests can crash. */
export interface MemoryRuntime extends ObservableJobRuntime {
  /** Ends as if the process had died: the runs in flight are lost. */
  crash(): void;
}

/** Runs the jobs of this process's memory. */
export function createMemoryRuntime(
  registry: JobRegistry,
  options: MemoryRuntimeOptions,
): MemoryRuntime {
  let session: Session | undefined;
  const { start, stop } = createStartStop(async () => {
    const schedules = registry.flatMap(({ schedule }) => schedule ?? []);
    await findNextTicks(schedules, new Date(options.store.now()));
    const opened = openSession(registry, options);
    session = opened;
    return async () => {
      if (session === opened) session = undefined;
      await opened.close(options.shutdownGraceMs);
    };
  });
  return {
    provider: "memory",
    get connected() {
      return session !== undefined;
    },
    start,
    stop,
    crash() {
      session?.abandon("The worker died during this run.", { backOff: true });
      session = undefined;
    },
  };
}

interface Session {
  close(graceMs: number): Promise<void>;
  abandon(reason: string, options: { readonly backOff: boolean }): void;
}

function openSession(registry: JobRegistry, options: MemoryRuntimeOptions): Session {
  const { store, concurrency, log } = options;
  const owner = crypto.randomUUID();
  const aborting = new AbortController();
  const running = new Set<Promise<unknown>>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  let claims = 0;
  let isPausing = false;
  /** The next time to make ticks. It starts at now, so that missed ticks are made up first. */
  let tickAt = store.now();

  function work(): void {
    if (ended || isPausing) return;
    if (store.now() >= tickAt) {
      if (!makeTicks(store, registry, tickAt, TICKS_PER_TURN)) return pause();
      tickAt = nextTickAt(store, registry) ?? Number.POSITIVE_INFINITY;
    }
    while (running.size < concurrency) {
      if (claims >= CLAIMS_PER_TURN) return pause();
      const job = claimJob(store, registry, owner);
      if (!job) break;
      claims += 1;
      const { signal } = aborting;
      const run = runStoredJob(store, registry, job, { signal, log }).finally(() => {
        running.delete(run);
        work();
      });
      running.add(run);
    }
    waitForNext();
  }

  function pause(): void {
    isPausing = true;
    clearTimeout(timer);
    timer = setTimeout(() => {
      claims = 0;
      isPausing = false;
      work();
    }, 0);
  }

  function waitForNext(): void {
    clearTimeout(timer);
    const isFull = running.size >= concurrency;
    const due = isFull ? undefined : nextDue(store, registry);
    const wait = Math.min(due ?? tickAt, tickAt) - store.now();
    timer = setTimeout(work, Math.min(Math.max(0, wait), LONGEST_WAIT_MS));
  }

  syncMemorySchedules(store, registry);
  const unsubscribe = store.onChange(() => queueMicrotask(work));
  queueMicrotask(work);

  const end = () => {
    ended = true;
    clearTimeout(timer);
    unsubscribe();
  };
  const abandon: Session["abandon"] = (reason, how) => {
    end();
    releaseJobs(store, owner, reason, how);
  };
  return {
    abandon,
    async close(graceMs) {
      end();
      await withTimeout(graceMs, Promise.allSettled(running), () => undefined);
      aborting.abort(new DOMException("The worker is stopping.", "AbortError"));
      await withTimeout(UNWIND_MS, Promise.allSettled(running), () => undefined);
      abandon("The worker stopped before this run ended.", { backOff: false });
    },
  };
}

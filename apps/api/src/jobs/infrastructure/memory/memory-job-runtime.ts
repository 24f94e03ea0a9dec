import type { JobRegistry } from "../../application/job-registry.ts";
import type { ObservableJobRuntime } from "../../application/job-runtime.ts";
import type { JobLogger } from "../../application/ports.ts";
import { within } from "../../application/within.ts";
import { claimJob, nextDue, releaseJobs } from "./memory-runs.ts";
import { makeTicks, nextTickAt, syncSchedules } from "./memory-schedules.ts";
import type { MemoryStore } from "./memory-store.ts";
import { runStoredJob } from "./run-stored-job.ts";

export interface MemoryJobRuntimeOptions {
  readonly store: MemoryStore;
  readonly concurrency: number;
  /** What running handlers get when the runtime stops, in milliseconds. */
  readonly shutdownGraceMs: number;
  readonly log: JobLogger;
}

/** The longest wait that `setTimeout` can do. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** What an aborted handler gets to come to its end before its job is given away. */
const UNWIND_MS = 500;

/**
 * How many runs may begin before timers and sockets get their turn: jobs that wait for nothing follow
 * each other without a pause.
 */
const CLAIMS_PER_TURN = 100;

/** Runs the jobs of this process's memory. */
export class MemoryJobRuntime implements ObservableJobRuntime {
  readonly provider = "memory";
  readonly #registry: JobRegistry;
  readonly #options: MemoryJobRuntimeOptions;
  #session: Session | undefined;
  #stopped: Promise<void> = Promise.resolve();

  constructor(registry: JobRegistry, options: MemoryJobRuntimeOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  get connected(): boolean {
    return this.#session !== undefined;
  }

  async start(): Promise<void> {
    this.#session ??= openSession(this.#registry, this.#options);
  }

  stop(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    const { shutdownGraceMs } = this.#options;
    if (session)
      this.#stopped = Promise.all([this.#stopped, session.close(shutdownGraceMs)]).then(
        () => undefined,
      );
    return this.#stopped;
  }

  /** As if its process had died: nothing is waited for, and what it was running is lost. */
  crash(): void {
    this.#session?.abandon("The worker died during this run.", { backOff: true });
    this.#session = undefined;
  }
}

interface Session {
  close(graceMs: number): Promise<void>;
  abandon(reason: string, options: { readonly backOff: boolean }): void;
}

function openSession(registry: JobRegistry, options: MemoryJobRuntimeOptions): Session {
  const { store, concurrency, log } = options;
  const owner = crypto.randomUUID();
  const aborting = new AbortController();
  const running = new Set<Promise<unknown>>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  let claims = 0;
  let isPausing = false;
  /** What was missed while nothing ran is made up first. */
  let tickAt = store.now();

  function work(): void {
    if (ended || isPausing) return;
    if (store.now() >= tickAt) {
      makeTicks(store, registry, tickAt);
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

  syncSchedules(store, registry);
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
      await within(graceMs, Promise.allSettled(running), () => undefined);
      aborting.abort(new DOMException("The worker is stopping.", "AbortError"));
      await within(UNWIND_MS, Promise.allSettled(running), () => undefined);
      abandon("The worker stopped before this run ended.", { backOff: false });
    },
  };
}

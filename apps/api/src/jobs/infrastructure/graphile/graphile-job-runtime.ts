import { setTimeout as delay } from "node:timers/promises";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { ObservableJobRuntime } from "../../application/job-runtime.ts";
import type { JobLogger } from "../../application/ports.ts";
import { describePostgresError } from "./postgres-errors.ts";
import { openWorkerSession, type WorkerSession } from "./worker-session.ts";

const RECONNECT_MIN_MS = 250;
const RECONNECT_MAX_MS = 5_000;

export interface GraphileJobRuntimeOptions {
  readonly connectionString: string;
  readonly concurrency: number;
  /** What running handlers get when the runtime stops, in milliseconds. */
  readonly shutdownGraceMs: number;
  readonly log: JobLogger;
}

/**
 * Runs jobs from Postgres. It owns one worker session after another: when a session breaks (the
 * database restarts, the network fails) the next one is opened, until `stop()`.
 */
export class GraphileJobRuntime implements ObservableJobRuntime {
  readonly provider = "graphile";
  readonly #registry: JobRegistry;
  readonly #options: GraphileJobRuntimeOptions;
  #stopping = new AbortController();
  #starting: Promise<void> | undefined;
  #stopped: Promise<void> = Promise.resolve();
  #ended: Promise<void> = Promise.resolve();
  #connected = false;

  constructor(registry: JobRegistry, options: GraphileJobRuntimeOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  get connected(): boolean {
    return this.#connected;
  }

  start(): Promise<void> {
    if (this.#starting && !this.#stopping.signal.aborted) return this.#starting;
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    // A stop that is under way comes to its end first.
    const starting = this.#stopped.then(() => this.#open(signal));
    this.#starting = starting;
    starting.catch(() => {
      if (this.#starting === starting) this.#starting = undefined;
    });
    return starting;
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    const [starting, earlier] = [this.#starting, this.#stopped];
    this.#stopped = earlier
      // A start that failed has told its caller so.
      .then(() => starting?.catch(() => undefined))
      .then(() => this.#ended);
    return this.#stopped;
  }

  /** When it is stopped meanwhile it resolves, with nothing running. */
  async #open(stopping: AbortSignal): Promise<void> {
    if (stopping.aborted) return;
    try {
      const session = await this.#openSession(stopping);
      this.#connected = true;
      this.#ended = this.#keepWorking(session, stopping);
    } catch (error) {
      if (!stopping.aborted) throw error;
    }
  }

  async #keepWorking(first: WorkerSession, stopping: AbortSignal): Promise<void> {
    const { log, shutdownGraceMs } = this.#options;
    let session: WorkerSession | undefined = first;
    let wait = RECONNECT_MIN_MS;
    while (session) {
      this.#connected = true;
      const cause = await Promise.race([aborted(stopping), session.broken]);
      this.#connected = false;
      if (!stopping.aborted) log.warn({ err: cause }, "the worker lost its database, reconnecting");
      // Whoever lost the database lost its leases: others may have its jobs by now.
      await session.close(stopping.aborted ? shutdownGraceMs : 0);
      session = undefined;
      while (!session && !stopping.aborted) {
        await delay(wait, undefined, { signal: stopping }).catch(() => undefined);
        if (stopping.aborted) return;
        try {
          session = await this.#openSession(stopping);
          wait = RECONNECT_MIN_MS;
          log.info({}, "the worker is back");
        } catch (error) {
          wait = Math.min(wait * 2, RECONNECT_MAX_MS);
          log.warn(
            { reason: describePostgresError(error), nextTryInMs: wait },
            "still no database",
          );
        }
      }
    }
  }

  #openSession(signal: AbortSignal): Promise<WorkerSession> {
    const { connectionString, concurrency, log } = this.#options;
    const registry = this.#registry;
    return openWorkerSession({ connectionString, concurrency, registry, log, signal });
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

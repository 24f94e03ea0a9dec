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
    this.#starting ??= this.#open();
    return this.#starting;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    // A start that failed has told its caller so.
    await this.#starting?.catch(() => undefined);
    await this.#ended;
    this.#starting = undefined;
  }

  async #open(): Promise<void> {
    this.#stopping = new AbortController();
    try {
      const session = await this.#openSession();
      this.#ended = this.#keepWorking(session, this.#stopping.signal);
    } catch (error) {
      this.#starting = undefined;
      throw error;
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
          session = await this.#openSession();
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

  #openSession(): Promise<WorkerSession> {
    const { connectionString, concurrency, log } = this.#options;
    return openWorkerSession({ connectionString, concurrency, registry: this.#registry, log });
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

import type { JobRegistry } from "#src/jobs/application/job-registry.ts";
import type { JobRuntime } from "#src/jobs/application/job-runtime.ts";
import { providerError } from "./directory-errors.ts";
import { openSession, type WorkerOptions, type WorkerSession } from "./worker-session.ts";

/** Runs the jobs of a directory; several may, in any processes of one machine. */
export class DirectoryJobRuntime implements JobRuntime {
  readonly provider = "directory";
  readonly #registry: JobRegistry;
  readonly #options: WorkerOptions;
  #session: Promise<WorkerSession> | undefined;
  #stopped: Promise<void> = Promise.resolve();

  constructor(registry: JobRegistry, options: WorkerOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  async start(): Promise<void> {
    const session = (this.#session ??= openSession(this.#registry, this.#options));
    try {
      await session;
    } catch (error) {
      if (this.#session === session) this.#session = undefined;
      throw providerError(error);
    }
  }

  stop(): Promise<void> {
    const session = this.#take();
    // One that never opened has nothing to close.
    const closed = session?.then(
      (opened) => opened.close(),
      () => undefined,
    );
    this.#stopped = Promise.all([this.#stopped, closed]).then(() => undefined);
    return this.#stopped;
  }

  /** As if its process had died: nothing is waited for, and what it was running is lost. */
  async crash(): Promise<void> {
    await (await this.#take())?.crash();
  }

  #take(): Promise<WorkerSession> | undefined {
    const session = this.#session;
    this.#session = undefined;
    return session;
  }
}

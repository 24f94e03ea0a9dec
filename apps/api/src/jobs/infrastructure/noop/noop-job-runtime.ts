import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobRuntime } from "../../application/job-runtime.ts";
import type { JobLogger } from "../../application/ports.ts";

/** Runs nothing, and says so once. */
export class NoopJobRuntime implements JobRuntime {
  readonly provider = "noop";
  readonly #registry: JobRegistry;
  readonly #log: JobLogger;

  constructor(registry: JobRegistry, log: JobLogger) {
    this.#registry = registry;
    this.#log = log;
  }

  async start(): Promise<void> {
    const scheduled = this.#registry.filter(({ schedule }) => schedule).map(({ name }) => name);
    this.#log.warn(
      { scheduled },
      `no jobs provider is configured: ${scheduled.length} scheduled job(s) will not run`,
    );
  }

  async stop(): Promise<void> {}
}

import { consoleLog } from "#src/jobs/infrastructure/common/console-log.ts";
import type { JobLogger } from "#src/jobs/application/ports.ts";

// Every process of the harness uses this module.

/** Identifies the runs of this process. A restarted process gets another one. */
export const life = process.env["CHAOS_LIFE"] ?? "unnamed";

/** Shows errors only. CHAOS_LOG=1 shows more. */
export const log: JobLogger = consoleLog({ life }, process.env["CHAOS_LOG"] ? "info" : "error");

export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set.`);
  return value;
}

/** Tells the manager that this process is ready. The process ends on SIGTERM, or when the manager is gone. */
export function ready(address: string, stop: () => Promise<void>): void {
  process.once("SIGTERM", () => {
    void stop().finally(() => process.exit(0));
  });
  process.send?.({ ready: address });
}

// Ctrl-C in a terminal is for the manager, which stops the other processes.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit(1));

import { consoleLog } from "#src/jobs/infrastructure/console-log.ts";
import type { JobLogger } from "#src/jobs/application/ports.ts";

// What every process of the harness has in common.

/** This life of this process, by which its runs are known. */
export const life = process.env["CHAOS_LIFE"] ?? "nobody";

/** For whoever looks for a cause: CHAOS_LOG=1 shows what the processes say. */
export const log: JobLogger = consoleLog({ life }, process.env["CHAOS_LOG"] ? "info" : "error");

export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

/** Tells the manager that this process works; it ends when it is told to, or left alone. */
export function ready(address: string, stop: () => Promise<void>): void {
  process.once("SIGTERM", () => {
    void stop().finally(() => process.exit(0));
  });
  process.send?.({ ready: address });
}

// A terminal's Ctrl-C is for the manager, which ends the others.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit(1));

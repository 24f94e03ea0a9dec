import { fileURLToPath } from "node:url";
import { boot, type Orbit } from "#src/boot.ts";
import { ConfigError, type Environment } from "#src/config.ts";
import { tidyEnvironment } from "#src/jobs/application/environment.ts";
import { stopRequest } from "#src/stop-signals.ts";

/** Holds the embedded Postgres and the development token, where ORBIT_DIRECTORY names no other. */
const ORBIT_DIRECTORY = fileURLToPath(new URL("../../../.orbit", import.meta.url));

/**
 * Runs one role until the process ends. A request to stop gives running jobs their grace, also while the
 * process starts.
 */
export async function runProcess(
  role: "server" | "worker",
  onStarted: (orbit: Orbit) => void,
  {
    env: given = process.env,
    onStopped,
  }: { readonly env?: Environment; readonly onStopped?: () => Promise<void> } = {},
): Promise<void> {
  const env = tidyEnvironment(given);
  const stopping = stopRequest();
  // Writing fails on a closed terminal or pipe and on a full disk. The jobs go on.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  await endWithMessage(async () => {
    const orbit = await boot(env, role, env["ORBIT_DIRECTORY"] ?? ORBIT_DIRECTORY);
    onStarted(orbit);
    await stopping;
    const seconds = orbit.config.jobs.shutdownGraceMs / 1_000;
    process.stdout.write(`Stopping. Running jobs get up to ${seconds} s.\n`);
    await orbit.stop();
    await onStopped?.();
    // A handler that ignored its signal must not keep the process alive: its job was given away.
    process.exit(0);
  });
}

/** Ends the process on an error: a ConfigError with its message, any other with its stack. */
export async function endWithMessage(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const expected = error instanceof ConfigError;
    process.stderr.write(`${expected ? error.message : describe(error)}\n`);
    process.exit(1);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

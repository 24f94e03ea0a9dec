import { fileURLToPath } from "node:url";
import { boot, type Orbit } from "#src/boot.ts";
import { ConfigError, type Environment } from "#src/config.ts";

/** Holds the embedded Postgres and the development token. */
const orbitDirectory =
  process.env["ORBIT_DIRECTORY"] ?? fileURLToPath(new URL("../../../.orbit", import.meta.url));

/**
 * Runs one role until the process ends. The first SIGTERM or SIGINT stops it gracefully, the second at
 * once.
 */
export async function runProcess(
  role: "server" | "worker",
  onStarted: (orbit: Orbit) => void,
  {
    env = process.env,
    onStopped,
  }: { readonly env?: Environment; readonly onStopped?: () => Promise<void> } = {},
): Promise<void> {
  const stopping = new Promise<void>((resolve) => {
    let signals = 0;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        signals += 1;
        if (signals > 1) process.exit(1);
        resolve();
      });
    }
  });
  await endWithMessage(async () => {
    const orbit = await boot(env, role, orbitDirectory);
    onStarted(orbit);
    await stopping;
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

/**
 * Longer than the copies of one request are apart. Ctrl-C signals npm and node, and npm forwards its own;
 * systemd and pm2 signal every process of a service.
 */
const COPIES_MS = 1_000;

/**
 * Resolves at the first request to stop: SIGTERM, SIGINT (Ctrl-C) or SIGHUP (its terminal was closed).
 * A second Ctrl-C ends the process at once. Other repeated signals change nothing: supervisors repeat
 * SIGTERM, and have SIGKILL.
 */
export function stopRequest(): Promise<void> {
  let again = false;
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (again && signal === "SIGINT") process.exit(1);
        // A blocked process reads its signals late: setImmediate waits until it has read them.
        setTimeout(() => setImmediate(() => (again = true)), COPIES_MS).unref();
        resolve();
      });
    }
  });
}

import type { JobLogger } from "../application/ports.ts";

/** For tests, where what fails is told by the test. */
export const silentLog: JobLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

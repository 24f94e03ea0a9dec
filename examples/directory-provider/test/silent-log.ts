import type { JobLogger } from "#src/jobs/application/ports.ts";

export const silentLog: JobLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

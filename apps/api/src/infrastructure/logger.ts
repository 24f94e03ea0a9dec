import { pino } from "pino";
import type { AppConfig } from "#src/config.ts";
import { safeError } from "#src/jobs/application/safe-error.ts";
import type { Logger } from "#src/kernel/logger.ts";

/**
 * JSON lines on standard output. pino's own destination would block the process for ever when a write
 * fails: on a closed terminal, or a full disk.
 */
export function createLogger(level: AppConfig["logLevel"]): Logger {
  const formatters = { level: (label: string) => ({ level: label }) };
  const { isoTime } = pino.stdTimeFunctions;
  const options = { level, formatters, serializers: { err }, timestamp: isoTime, base: null };
  return pino(options, process.stdout);
}

/** pino's own serialiser writes to the error, which may be frozen, and reads its getters. */
function err(thrown: unknown): object {
  const error = safeError(thrown);
  return { ...pino.stdSerializers.err(error), type: error.name };
}

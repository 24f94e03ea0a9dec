import { pino } from "pino";
import type { AppConfig } from "#src/config.ts";
import type { Logger } from "#src/kernel/logger.ts";

/**
 * JSON lines on standard output. pino's own destination would block the process for ever when a write
 * fails: on a closed terminal, or a full disk.
 */
export function createLogger(level: AppConfig["logLevel"]): Logger {
  const formatters = { level: (label: string) => ({ level: label }) };
  const options = { level, formatters, timestamp: pino.stdTimeFunctions.isoTime, base: null };
  return pino(options, process.stdout);
}

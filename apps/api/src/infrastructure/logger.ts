import { pino } from "pino";
import type { AppConfig } from "#src/config.ts";
import type { Logger } from "#src/kernel/logger.ts";

/** JSON lines on standard output. */
export function createLogger(level: AppConfig["logLevel"]): Logger {
  const formatters = { level: (label: string) => ({ level: label }) };
  return pino({ level, formatters, timestamp: pino.stdTimeFunctions.isoTime, base: null });
}

import type { JobLogger } from "../../application/ports.ts";
import { safeError } from "../../application/safe-error.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** Writes JSON lines to the console, by default warnings and errors only. For apps without a logger. */
export function consoleLog(
  fields: Readonly<Record<string, unknown>> = {},
  least: (typeof LEVELS)[number] = "warn",
): JobLogger {
  const write = (level: (typeof LEVELS)[number]) => (more: object, message: string) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    const line = { level, time: new Date(), ...fields, ...more, message };
    // oxlint-disable-next-line no-console -- this log writes to the console
    console.error(JSON.stringify(line, asText));
  };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (more) => consoleLog({ ...fields, ...more }, least),
  };
}

function asText(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (!(value instanceof Error)) return value;
  const { stack, message } = safeError(value);
  return stack ?? message;
}

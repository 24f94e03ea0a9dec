import type { JobLogger } from "../../application/ports.ts";

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
    console.error(JSON.stringify(line, errorsAsText));
  };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (more) => consoleLog({ ...fields, ...more }, least),
  };
}

function errorsAsText(_key: string, value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? value.message) : value;
}

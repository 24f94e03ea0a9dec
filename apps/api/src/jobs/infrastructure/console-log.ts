import type { JobLogger } from "../application/ports.ts";

/** JSON lines for those who bring no logger: warnings and errors only. */
export function consoleLog(fields: Readonly<Record<string, unknown>> = {}): JobLogger {
  const write = (level: string) => (more: object, message: string) => {
    const line = { level, time: new Date(), ...fields, ...more, message };
    // oxlint-disable-next-line no-console -- the console is where this log goes
    console.error(JSON.stringify(line, errorsAsText));
  };
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: write("warn"),
    error: write("error"),
    child: (more) => consoleLog({ ...fields, ...more }),
  };
}

function errorsAsText(_key: string, value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? value.message) : value;
}

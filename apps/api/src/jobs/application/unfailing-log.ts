import type { JobLogger } from "./ports.ts";
import { ignoreRejection, safeError } from "./safe-error.ts";

type Level = Exclude<keyof JobLogger, "child">;

/**
 * Logs with `log`, and never throws. Loggers run serialisers and getters of what they log, and may lose
 * their destination. No work must fail because it was reported. A line that fails is logged without its
 * fields.
 */
export function unfailingLog(log: JobLogger): JobLogger {
  const write = (level: Level) => (fields: object, message: string) => {
    try {
      // An async logger returns a promise, whatever its type says.
      ignoreRejection(log[level](fields, message));
    } catch (error) {
      try {
        ignoreRejection(log[level]({ logError: safeError(error).message }, message));
      } catch {
        // Nothing can be reported through a log that is broken.
      }
    }
  };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child(fields) {
      try {
        return unfailingLog(log.child(fields));
      } catch {
        return unfailingLog(log);
      }
    },
  };
}

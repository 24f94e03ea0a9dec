import { ConfigError } from "#src/config.ts";
import { describeDatabase } from "#src/jobs/infrastructure/sql/database-url.ts";
import { describePostgresError } from "#src/jobs/infrastructure/sql/postgres-errors.ts";
import { JobsError } from "#src/jobs/application/job-errors.ts";

/** Explains why the database cannot be used. Names host and database, without user and password. */
export function databaseProblem(variable: string, url: string, cause: unknown): ConfigError {
  // The server's messages repeat the user.
  const reason = describePostgresError(cause)
    .replace(/ user "[^"]*"/g, " the user")
    .replace(/role "[^"]*" (?=does not exist|is not permitted to log in)/g, "its role ");
  return new ConfigError(
    [
      `The ${describeDatabase(url)} cannot be used: ${reason}. ` +
        `Check that it runs, and check ${variable}.`,
    ],
    { cause },
  );
}

export function portProblem(port: number, cause: unknown, variable = "PORT"): ConfigError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const reason = code === "EADDRINUSE" ? "is in use" : `cannot be listened on (${String(code)})`;
  return new ConfigError(
    [`Port ${port} ${reason}. Set ${variable} to another one, e.g. ${variable}=${port + 1}.`],
    {
      cause,
    },
  );
}

/** Explains why the runtime cannot start. A provider's error says how to mend it. */
export function jobsProblem(cause: unknown): unknown {
  return cause instanceof JobsError ? new ConfigError([cause.message], { cause }) : cause;
}

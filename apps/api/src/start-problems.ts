import { ConfigError } from "#src/config.ts";
import { describePostgresError } from "#src/infrastructure/describe-postgres-error.ts";
import { JobsError } from "#src/jobs/application/job-errors.ts";

/** Why the database cannot be used, and where it was looked for: without user or password. */
export function databaseProblem(variable: string, url: string, cause: unknown): ConfigError {
  const { host, pathname } = new URL(url);
  return new ConfigError(
    [
      `The database${pathname} at ${host} cannot be used: ${describePostgresError(cause)}. ` +
        `Check that it runs, and what ${variable} says.`,
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

/** Why jobs cannot be taken; a provider's error says how to mend it. */
export function jobsProblem(cause: unknown): unknown {
  return cause instanceof JobsError ? new ConfigError([cause.message], { cause }) : cause;
}

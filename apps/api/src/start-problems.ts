import { ConfigError } from "#/config.ts";
import { describePostgresError } from "#/infrastructure/describe-postgres-error.ts";

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

export function portProblem(port: number, cause: unknown): ConfigError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const reason = code === "EADDRINUSE" ? "is in use" : `cannot be listened on (${String(code)})`;
  return new ConfigError([`Port ${port} ${reason}. Set PORT to another one, e.g. PORT=4003.`], {
    cause,
  });
}

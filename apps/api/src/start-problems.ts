import { ConfigError } from "#src/config.ts";
import { describeDatabase } from "#src/jobs/infrastructure/sql/database-url.ts";
import { describePostgresError } from "#src/jobs/infrastructure/sql/postgres-errors.ts";
import { MissingRightsError } from "#src/jobs/infrastructure/sql/role-rights.ts";
import { JobsError } from "#src/jobs/application/job-errors.ts";

/** Explains why the database cannot be used. Names host and database, without user and password. */
export function databaseProblem(variable: string, url: string, cause: unknown): ConfigError {
  if (cause instanceof MissingRightsError) {
    return new ConfigError([`The ${describeDatabase(url)} cannot be used: ${cause.message}`], {
      cause,
    });
  }
  // The server's messages repeat the user.
  const reason = describePostgresError(cause)
    .replace(/ user "[^"]*"/g, " the user")
    .replace(/role "[^"]*" (?=does not exist|is not permitted to log in)/g, "its role ");
  return new ConfigError(
    [
      `The ${describeDatabase(url)} cannot be used: ${reason}. ` +
        (tlsAdvice(cause) ?? `Check that it runs, and check ${variable}.`),
    ],
    { cause },
  );
}

const UNKNOWN_AUTHORITY =
  "No authority that this machine trusts signed its certificate. libpq does not check certificates with " +
  "sslmode=require, this driver does. Name the provider's authority with " +
  "sslmode=verify-full&sslrootcert=/path/to/ca.pem, or encrypt without the check with " +
  "sslmode=require&uselibpqcompat=true.";

const TLS_ADVICE: readonly (readonly [RegExp, string])[] = [
  [/SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET_ISSUER)/, UNKNOWN_AUTHORITY],
  [
    /ERR_TLS_CERT_ALTNAME_INVALID/,
    "Connect to a name that the certificate lists, or check only its authority with " +
      "sslmode=verify-ca&uselibpqcompat=true&sslrootcert=/path/to/ca.pem.",
  ],
  [
    /CERT_(HAS_EXPIRED|NOT_YET_VALID)/,
    "Renew the server's certificate, or correct this machine's clock.",
  ],
  [
    /does not support SSL connections/,
    "Turn TLS on at the server, or leave sslmode out of the URL if the network is trusted.",
  ],
  [/no encryption/, "If the server wants TLS, add sslmode=verify-full to the URL."],
];

/** What to set where TLS is the trouble. */
function tlsAdvice(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const text = `${"code" in cause ? String(cause.code) : ""} ${cause.message}`;
  return TLS_ADVICE.find(([pattern]) => pattern.test(text))?.[1] ?? tlsAdvice(cause.cause);
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

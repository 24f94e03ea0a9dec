import { Client } from "pg";

// The driver takes more than URLs: sockets as a path, as `socket:` or as `?host=`, names in PGHOST and PGDATABASE,
// unencoded spaces. So the driver itself reads connection strings here, and no check is stricter than it.

/** The driver ignores the scheme. One that says neither Postgres nor socket means another database. */
const SCHEME = /^(\/|(postgres|pg)[a-z0-9+.-]*:|socket:)/i;

/** Says why the driver cannot use a connection string, without the string; `undefined` if it can. */
export function databaseUrlProblem(variable: string, url: string): string | undefined {
  const shape =
    `${variable} must be a URL like postgres://user:password@host:5432/database. ` +
    "Special characters in user and password must be percent-encoded: # is %23.";
  if (!SCHEME.test(url)) return shape;
  try {
    const { port } = new Client({ connectionString: url });
    return port >= 0 && port <= 65_535 ? undefined : shape;
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof TypeError || cause instanceof URIError) {
      return shape;
    }
    if ("path" in cause && "code" in cause) {
      return `${variable} names a certificate or key file that cannot be read (${String(cause.code)}).`;
    }
    return `${variable} must have settings that fit together: ${cause.message.replace(/\.$/, "")}.`;
  }
}

/** Stands in for the real user. Without a database's name, the driver uses the user's. */
const STAND_IN = "user-without-a-name";

/** Says where a connection string leads, without user and password. */
export function describeDatabase(url: string): string {
  const separator = url.includes("?") ? "&" : "?";
  // A path has no query.
  const connectionString = url.startsWith("/") ? url : `${url}${separator}user=${STAND_IN}`;
  const { host, port, database } = new Client({ connectionString, user: STAND_IN });
  const name = database === undefined || database === STAND_IN ? "" : `/${withoutSecret(database)}`;
  const server = withoutSecret(host);
  const where = server.startsWith("/")
    ? `${server}/.s.PGSQL.${port}`
    : `${server.includes(":") ? `[${server}]` : server}:${port}`;
  return `database${name} at ${where}`;
}

/** A URL that was pasted twice has its own user and password in the database's name. */
function withoutSecret(text: string): string {
  return /@|password/i.test(text) ? "…" : text;
}

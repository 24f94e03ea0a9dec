import { chmod, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { boot, type Orbit } from "#src/boot.ts";
import { ConfigError, readConfig } from "#src/config.ts";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { databaseProblem } from "#src/start-problems.ts";

const TOKEN = "token-of-many-characters";
const SECRET = "s3cret-that-nobody-may-see";
const USER = "u5er-that-nobody-may-see";

describe("over the socket of a real Postgres", () => {
  let directory: string;
  let sockets: string;
  let postgres: EmbeddedPostgres;
  let port: string;
  let password: string;

  afterEach(() => vi.unstubAllEnvs());

  const start = () =>
    startEmbeddedPostgres({
      directory: path.join(directory, "postgres"),
      settings: { unix_socket_directories: sockets },
    });

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "orbit-sockets-"));
    sockets = path.join(directory, "my sockets");
    await mkdir(sockets);
    // As root, Postgres runs as another user.
    for (const each of [directory, sockets]) await chmod(each, 0o777);
    await symlink(sockets, path.join(directory, "link"));
    postgres = await start();
    ({ port, password } = new URL(postgres.url));
  });
  afterAll(async () => {
    await postgres.stop();
    await rm(postgres.directory, { recursive: true, force: true });
    await rm(directory, { recursive: true, force: true });
  });

  const env = (pattern: string) => {
    const url = pattern
      .replace("ENCODED", encodeURIComponent(sockets))
      .replace("PLAIN", sockets)
      .replace("PASSWORD", password)
      .replace("PORT", port);
    return {
      DATABASE_URL: url,
      WORKER_DATABASE_URL: url,
      ORBIT_API_TOKEN: TOKEN,
      JOBS_PROVIDER: "graphile",
      LOG_LEVEL: "error",
      PORT: "0",
    };
  };

  async function call(
    { url }: Orbit,
    method: string,
    route: string,
    body?: object,
  ): Promise<Record<string, unknown>> {
    const response = await fetch(`${url}${route}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    const answer = z.record(z.string(), z.unknown()).parse(await response.json());
    return { code: response.status, ...answer };
  }

  async function waitingJobs(): Promise<number> {
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    const { rows } = await client.query("select from graphile_worker.jobs");
    await client.end();
    return rows.length;
  }

  test.each([
    [
      "?host= without an authority's host",
      "postgres://orbit:PASSWORD@/orbit?host=ENCODED&port=PORT",
    ],
    ["an unencoded directory", "postgres://orbit:PASSWORD@/orbit?host=PLAIN&port=PORT"],
    ["no authority", "postgres:///orbit?host=ENCODED&port=PORT&user=orbit&password=PASSWORD"],
    ["the directory as host", "postgresql://orbit:PASSWORD@ENCODED:PORT/orbit"],
    ["socket:", "socket:PLAIN?db=orbit&user=orbit&password=PASSWORD&port=PORT"],
    [
      "more settings",
      "POSTGRES://orbit:PASSWORD@h/orbit?host=ENCODED&port=PORT&options=-c%20jit%3Doff",
    ],
  ])("%s: the app serves, and its worker works", async (_title, pattern) => {
    const orbit = await boot(env(pattern), "server", directory);
    try {
      expect(await call(orbit, "GET", "/health")).toMatchObject({
        code: 200,
        worker: "working",
        database: "up",
      });
      const job = { name: "cleanup.stale-invites", payload: { olderThanHours: 1 } };
      expect(await call(orbit, "POST", "/v1/jobs", job)).toMatchObject({ code: 202 });
      await eventually("the job ran", async () => (await waitingJobs()) === 0);
      expect(await call(orbit, "GET", "/v1/jobs/dead")).toMatchObject({ jobs: [] });
    } finally {
      await orbit.stop();
    }
  });

  test.each([
    ["a URL without a host", "postgres:///orbit", "my sockets"],
    ["a path and a name", "LINK orbit", undefined],
    ["a path alone", "LINK", undefined],
  ])("%s is completed by libpq's variables", async (_title, pattern, host) => {
    if (host !== undefined) vi.stubEnv("PGHOST", path.join(directory, host));
    vi.stubEnv("PGPORT", port);
    vi.stubEnv("PGUSER", "orbit");
    vi.stubEnv("PGPASSWORD", password);
    const url = pattern.replace("LINK", path.join(directory, "link"));
    const orbit = await boot(env(url), "server", directory);
    try {
      expect(await call(orbit, "GET", "/health")).toMatchObject({ code: 200, worker: "working" });
    } finally {
      await orbit.stop();
    }
  });

  test("a server that stops is unavailable, and the app goes on when it is back", async () => {
    const orbit = await boot(
      env("postgres://orbit:PASSWORD@/orbit?host=ENCODED&port=PORT"),
      "server",
      directory,
    );
    try {
      const workspace = { slug: "over-a-socket", name: "Over a socket" };
      await postgres.stop();
      expect(await call(orbit, "POST", "/v1/workspaces", workspace)).toMatchObject({
        code: 503,
        error: { code: "database.unavailable" },
      });
      postgres = await start();
      expect(await call(orbit, "POST", "/v1/workspaces", workspace)).toMatchObject({ code: 201 });
      await eventually(
        "the worker is back",
        async () => (await call(orbit, "GET", "/health"))["worker"] === "working",
      );
    } finally {
      await orbit.stop();
    }
  });
});

const failed = new Error(`password authentication failed for user "${USER}"`);

test.each([
  ["postgres://USER:SECRET@/app?host=/cloudsql/x", "/app at /cloudsql/x/.s.PGSQL.5432 "],
  ["postgres:///app?host=/tmp&user=USER&password=SECRET", "/app at /tmp/.s.PGSQL.5432 "],
  ["postgres://USER:SECRET@%2Fvar%2Frun:5433/app", "/app at /var/run/.s.PGSQL.5433 "],
  ["socket:/tmp?db=app&user=USER&password=SECRET", "/app at /tmp/.s.PGSQL.5432 "],
  ["/var/run/postgresql app", "/app at /var/run/postgresql/.s.PGSQL.5432 "],
  ["postgresql://USER:SECRET@[::1]:6432/app", "/app at [::1]:6432 "],
  ["pg://USER:SECRET@db.example/app", "/app at db.example:5432 "],
  ["postgres://USER:SECRET@db.example", " at db.example:5432 "],
  ["postgres://USER:SECRET@db.example/?sslmode=verify-full", " at db.example:5432 "],
  ["postgres://USER:SECRET@größe.example/größe", "/größe at größe.example:5432 "],
  ["postgres://USER:SECRET@a,b/app?target_session_attrs=any", "/app at a,b:5432 "],
  ["postgres://USER:SECRET%@h/app?application_name=x&connect_timeout=3", "/app at h:5432 "],
  ["postgres://USER:SECRET@ü@h/app", "/app at h:5432 "],
  ["postgres://USER:SECRET@h/my app", "/my app at h:5432 "],
  ["postgres://USER:SECRET@h/app?sslmode=no-verify", "/app at h:5432 "],
  ["postgres://USER:SECRET@h/app?sslmode=require&uselibpqcompat=true", "/app at h:5432 "],
  ["postgres://USER:SECRET@h/apppostgres://USER:SECRET@h/app", "/… at h:5432 "],
  ["postgres://USER:SECRET@h/app?host=USER:SECRET@h", "/app at …:5432 "],
])("%s is taken, and an error names only where it leads", (pattern, place) => {
  const url = pattern.replaceAll("USER", USER).replaceAll("SECRET", SECRET);
  const { databaseUrl, jobs } = readConfig({
    DATABASE_URL: url,
    WORKER_DATABASE_URL: url,
    ORBIT_API_TOKEN: TOKEN,
    JOBS_PROVIDER: "graphile",
  });
  expect([databaseUrl, jobs.provider.runtimeDatabaseUrl]).toEqual([url, url]);
  const { message } = databaseProblem("DATABASE_URL", url, failed);
  expect(message).toContain(`The database${place}cannot be used: password authentication failed`);
  expect(message).not.toContain(SECRET);
  expect(message).not.toContain(USER);
});

test.each([
  [`mysql://${USER}:${SECRET}@h/app`, /DATABASE_URL must be a URL like postgres/],
  [`https://${USER}:${SECRET}@h/app`, /DATABASE_URL must be a URL like postgres/],
  [SECRET, /DATABASE_URL must be a URL like postgres/],
  [`postgres://${USER}:${SECRET}#1@h/app`, /percent-encoded: # is %23/],
  [`postgres://${USER}:${SECRET}%e4@h/app`, /percent-encoded/],
  [`postgres://${USER}:${SECRET}@h:99999/app`, /must be a URL like postgres/],
  [`postgres://${USER}:${SECRET}@h/app?port=x`, /must be a URL like postgres/],
  [
    `postgres://${USER}:${SECRET}@h/app?sslrootcert=/no/file`,
    /file that cannot be read \(ENOENT\)/,
  ],
  [`postgres://${USER}:${SECRET}@h/app?sslmode=verify-ca&uselibpqcompat=true`, /requires.*a CA/],
  [`postgres://${USER}:${SECRET}@h/app?sslnegotiation=direct&sslmode=disable`, /fit together/],
])("%s is refused, as the driver does, without its user and password", (url, message) => {
  for (const name of ["DATABASE_URL", "WORKER_DATABASE_URL"]) {
    const good = { DATABASE_URL: "postgres://h/app", ORBIT_API_TOKEN: TOKEN };
    const read = () => readConfig({ ...good, [name]: url });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(message);
    expect(read).toThrow(new RegExp(`^- ${name} `, "m"));
    expect(read).not.toThrow(new RegExp(`${SECRET}|${USER}`));
  }
});

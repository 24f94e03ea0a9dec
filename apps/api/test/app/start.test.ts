import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { startEmbeddedPostgres } from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";
import { findHome } from "#src/infrastructure/embedded-postgres/postgres-home.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { createTestDatabase } from "../support/database.ts";
import { serverUrl } from "../support/postgres-template.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { exchange } from "../support/raw-http.ts";

const SECRET = "s3cret-that-nobody-may-see";

describe("with nothing in the environment", () => {
  let directory: string;
  let home: string;
  const processes: TestProcess[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "orbit-start-"));
    await chmod(directory, 0o755);
    const wanted = path.join(directory, "postgres");
    home = (await findHome(wanted)).directory;
  });
  afterEach(() => {
    for (const started of processes) started.kill("SIGKILL");
  });
  afterAll(async () => {
    // A killed process leaves its Postgres running. The next start takes it over and can stop it.
    await (await startEmbeddedPostgres({ directory: path.join(directory, "postgres") })).stop();
    await rm(home, { recursive: true, force: true });
    await rm(directory, { recursive: true, force: true });
  });

  function start(file = "src/index.ts", env: Record<string, string> = {}): TestProcess {
    const started = startProcess(file, { ORBIT_DIRECTORY: directory, PORT: "0", ...env });
    processes.push(started);
    return started;
  }

  async function client(server: TestProcess) {
    const [, url = ""] = await server.waitFor(/listens on (\S+) /);
    const [, token = ""] = await server.waitFor(/API token: (\S+)/);
    return async (method: string, route: string, body?: object) => {
      const response = await fetch(`${url}${route}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body && { body: JSON.stringify(body) }),
      });
      return z.record(z.string(), z.unknown()).parse(await response.json());
    };
  }

  test("one command serves and works, and kill -9 of app and Postgres loses nothing", async () => {
    const first = start();
    const api = await client(first);
    expect(await api("GET", "/health")).toEqual({
      status: "ok",
      provider: "graphile",
      worker: "working",
      database: "up",
    });
    // The start prints two curl commands to copy.
    const curls = first.stdout().match(/curl -X POST .*/g) ?? [];
    expect(curls).toHaveLength(2);
    await api("POST", "/v1/workspaces", { slug: "acme", name: "Acme" });
    const { invite } = await api("POST", "/v1/workspaces/acme/invites", { email: "a@example.com" });

    first.kill("SIGKILL");
    await first.exit;
    const pid = Number(
      (await readFile(path.join(home, "data/postmaster.pid"), "utf8")).split("\n")[0],
    );
    process.kill(pid, "SIGKILL");

    const second = start();
    const again = await client(second);
    expect(await again("GET", "/v1/workspaces/acme/invites")).toMatchObject({
      invites: [{ email: "a@example.com", status: "pending" }],
    });
    const { id } = z.object({ id: z.string() }).parse(invite);
    await again("POST", "/v1/jobs", {
      name: "workspaces.invites.send-reminder",
      payload: { inviteId: id },
    });
    await eventually("the reminder is sent", async () =>
      JSON.stringify(await again("GET", "/v1/dev/mails")).includes("a@example.com"),
    );
    second.kill("SIGTERM");
    expect(await second.exit).toBe(0);
  });

  test("a start after kill -9 of the app joins its Postgres, and so does a worker", async () => {
    const first = start();
    await client(first);
    first.kill("SIGKILL");
    await first.exit;
    const server = start("src/index.ts", { JOBS_WORKER: "off" });
    const api = await client(server);
    const worker = start("src/worker.ts");
    await worker.waitFor(/The worker runs/);
    expect(await api("GET", "/health")).toMatchObject({ worker: "off" });
    await api("POST", "/v1/jobs", {
      name: "workspaces.invites.send-reminder",
      payload: { inviteId: "0199c2f4-0000-7000-8000-000000000000" },
    });
    await worker.waitFor(/reminder skipped: the invite is not pending/);
    worker.kill("SIGINT");
    expect(await worker.exit).toBe(0);
    // The worker did not start the database, so it leaves it running for the server.
    expect(await api("GET", "/health")).toMatchObject({ database: "up" });
    server.kill("SIGTERM");
    expect(await server.exit).toBe(0);
  });
});

test("variables with white space and line breaks around them work as without", async () => {
  const database = await createTestDatabase();
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-tidy-"));
  const server = startProcess("src/index.ts", {
    DATABASE_URL: ` ${database.url}\r\n`,
    ORBIT_API_TOKEN: `${SECRET}\n`,
    ORBIT_DIRECTORY: `${directory}\n`,
    JOBS_PROVIDER: "\ufeffgraphile",
    NODE_ENV: "production\n",
    LOG_LEVEL: "error\t",
    PORT: " 0 ",
    HTTP_KEEP_ALIVE_SECONDS: "1\n",
  });
  try {
    const [, url = ""] = await server.waitFor(/listens on (\S+) /);
    const authorization = `Bearer ${SECRET}`;
    expect((await fetch(`${url}/v1/jobs`, { headers: { authorization } })).status).toBe(200);
    // The server announces its keep-alive, and closes the idle connection after it.
    const { head } = await exchange(url, "GET /health HTTP/1.1\r\nhost: api\r\n\r\n");
    expect(head).toMatch(/^keep-alive: timeout=1\b/im);
    expect((await fetch(`${url}/v1/dev/mails`, { headers: { authorization } })).status).toBe(404);
    server.kill("SIGTERM");
    expect(await server.exit).toBe(0);
  } finally {
    server.kill("SIGKILL");
    await database.drop();
    await rm(directory, { recursive: true, force: true });
  }
});

test.each([
  ["development", "on", "", /JOBS_PROVIDER is not set: no job runs, and every enqueue is refused/],
  ["production", "off", "", /JOBS_PROVIDER is not set: no job runs, and every enqueue is refused/],
  ["production", "on", "noop", /The jobs provider is noop: no job runs/],
])(
  "with NODE_ENV=%s, JOBS_WORKER=%s and JOBS_PROVIDER=%s one line says that no job runs",
  async (mode, worker, provider, line) => {
    const database = await createTestDatabase();
    const server = startProcess("src/index.ts", {
      DATABASE_URL: database.url,
      ORBIT_API_TOKEN: SECRET,
      NODE_ENV: mode,
      JOBS_WORKER: worker,
      JOBS_PROVIDER: provider,
      PORT: "0",
    });
    try {
      const [, url = ""] = await server.waitFor(/listens on (\S+) \(provider: noop\)/);
      const [said] = await server.waitFor(/.*scheduled job\(s\) will not run.*/);
      expect(said).toMatch(line);
      expect(said).toContain('"level":"warn"');
      expect(server.stdout().match(/no job runs/g)).toHaveLength(1);
      expect(await (await fetch(`${url}/health`)).json()).toMatchObject({
        status: "ok",
        provider: "noop",
        worker: "off",
        warning: expect.stringMatching(line) as unknown,
      });
    } finally {
      server.kill("SIGKILL");
      await database.drop();
    }
  },
);

describe("a start that fails reports one message", () => {
  const env = (more: Record<string, string>) => ({
    DATABASE_URL: serverUrl(),
    ORBIT_API_TOKEN: SECRET,
    PORT: "0",
    JOBS_PROVIDER: "graphile",
    ...more,
  });
  const onServer = (change: (url: URL) => void) => {
    const url = new URL(serverUrl());
    change(url);
    return url.href;
  };

  async function refusal(environment: Record<string, string>, file = "src/index.ts") {
    const started = startProcess(file, environment);
    const code = await started.exit;
    expect(code).toBe(1);
    expect(started.stderr()).not.toMatch(/^\s+at /m);
    expect(started.stderr() + started.stdout()).not.toContain(SECRET);
    return started.stderr();
  }

  test.each([
    ["JOBS_PROVIDER", "rabbit", /JOBS_PROVIDER must be graphile, memory, noop or qstash/],
    ["JOBS_CONCURRENCY", "0", /JOBS_CONCURRENCY must be/],
    ["JOBS_CONCURRENCY", "abc", /JOBS_CONCURRENCY must be/],
    ["JOBS_CONCURRENCY", "1e9", /JOBS_CONCURRENCY must be/],
    [
      "DATABASE_URL",
      `postgres://app:${SECRET}@127.0.0.1:1/app`,
      /database\/app at 127\.0\.0\.1:1 cannot be used: .*ECONNREFUSED/,
    ],
    [
      "WORKER_DATABASE_URL",
      `postgres://app:${SECRET}@127.0.0.1:1/app`,
      /127\.0\.0\.1:1 cannot be used.*WORKER_DATABASE_URL/,
    ],
  ])("%s=%s", async (name, value, message) => {
    expect(await refusal(env({ [name]: value }))).toMatch(message);
  });

  test("a wrong password", async () => {
    const url = onServer((wrong) => (wrong.password = SECRET));
    expect(await refusal(env({ DATABASE_URL: url }))).toMatch(/password authentication failed/);
  });

  test("a missing database", async () => {
    const url = onServer((wrong) => (wrong.pathname = "/nowhere"));
    expect(await refusal(env({ DATABASE_URL: url }))).toMatch(/"nowhere" does not exist/);
  });

  test("a busy port", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? String(address.port) : "";
    const database = await createTestDatabase();
    const message = await refusal(env({ PORT: port, DATABASE_URL: database.url }));
    expect(message).toContain(`Port ${port} is in use. Set PORT to another one`);
    server.close();
    await database.drop();
  });

  test("a worker without a provider", async () => {
    const memory = await refusal(env({ JOBS_PROVIDER: "memory" }), "src/worker.ts");
    expect(memory).toMatch(/in the process that enqueues them/);
    const message = await refusal(env({ JOBS_PROVIDER: "noop" }), "src/worker.ts");
    expect(message).toMatch(/A worker needs a provider/);
  });
});

import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client, Pool } from "pg";
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test, vi } from "vitest";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { openTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const TOKEN = "token-of-the-outages";
const MAX_CONNECTIONS = 40;
/** Longer than the statement timeout of the app (35 s). */
const SILENT_CONNECTIONS = { timeout: 60_000, interval: 100 };
const LOG_OF_A_FAILURE = 20_000;

/**
 * A worker notices within three seconds that it is disconnected. After that it only tries to reconnect
 * every five seconds, so a longer outage would show nothing more.
 */
const UNREACHABLE_MS = 8_000;

let directory: string;
let postgres: EmbeddedPostgres;
let network: TcpProxy;
/** Connects past the failing network. */
let direct: Pool;
let app: TestProcess;
let url: string;

const startPostgres = () =>
  startEmbeddedPostgres({
    directory,
    settings: { fsync: "off", max_connections: String(MAX_CONNECTIONS) },
  });

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "orbit-outages-"));
  await chmod(directory, 0o755);
  postgres = await startPostgres();
  network = await openTcpProxy(postgres.url);
  direct = new Pool({ connectionString: postgres.url, max: 2 });
  direct.on("error", () => undefined);
  direct.on("connect", (client) => client.on("error", () => undefined));
  app = startProcess("src/index.ts", {
    DATABASE_URL: network.url,
    ORBIT_API_TOKEN: TOKEN,
    JOBS_PROVIDER: "graphile",
    JOBS_CONCURRENCY: "4",
    PORT: "0",
  });
  [, url = ""] = await app.waitFor(/listens on (\S+) /);
});

beforeEach(() => {
  onTestFailed(() => {
    process.stderr.write(app.stdout().slice(-LOG_OF_A_FAILURE));
  });
});

afterAll(async () => {
  app.kill("SIGKILL");
  await app.exit;
  await network.close();
  await direct.end();
  await postgres.stop();
  await rm(postgres.directory, { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true });
});

/** The answer of `/health`, which must come soon whatever is down. */
async function health(): Promise<string> {
  const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(3_000) });
  return `${response.status} ${await response.text()}`;
}

const isDegraded = async () => /^503 .*"degraded"/.test(await health());

function enqueue() {
  return fetch(`${url}/v1/jobs`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({
      name: "workspaces.invites.send-reminder",
      payload: { inviteId: "0199c2f4-0000-7000-8000-000000000000" },
    }),
  });
}

const count = async (condition: string) => {
  const { rows } = await direct.query(
    `select from graphile_worker._private_jobs where ${condition}`,
  );
  return rows.length;
};

/** Enqueues hundreds of jobs. Resolves when some of them are running. */
async function underLoad(): Promise<void> {
  await direct.query(
    `select graphile_worker.add_jobs(array(
       select row('workspaces.invites.send-reminder', json_build_object('inviteId', gen_random_uuid()),
                  null, now(), 10, null, null, null)::graphile_worker.job_spec
         from generate_series(1, 500)))`,
  );
  await eventually("the app runs jobs", async () => (await count("locked_at is not null")) > 0);
}

/** Waits until the app has recovered by itself and run all jobs. */
async function recovered(): Promise<void> {
  await eventually("the app is healthy", async () =>
    (await health()).startsWith('200 {"status":"ok"'),
  );
  expect((await enqueue()).status).toBe(202);
  await eventually("all jobs are done", async () => {
    // Skips the back-off of jobs whose handler failed during the outage.
    await direct.query(
      "update graphile_worker._private_jobs set run_at = now() where locked_at is null",
    );
    return (await count("true")) === 0;
  });
  expect((await direct.query("select from orbit_jobs.dead_jobs")).rows).toEqual([]);
}

test("the app recovers from a restart of Postgres", async () => {
  await underLoad();
  await postgres.stop();
  await eventually("the app is degraded", isDegraded);
  const refused = await enqueue();
  expect([refused.status, await refused.json()]).toMatchObject([
    503,
    { error: { code: "jobs.provider_unavailable" } },
  ]);
  postgres = await startPostgres();
  await recovered();
  expect(app.child.exitCode).toBeNull();
});

test("the app recovers from a crash of Postgres", async () => {
  await underLoad();
  const { rows } = await direct.query<{ pid: number }>(
    "select pid from pg_stat_activity where application_name = 'orbit-jobs' limit 1",
  );
  process.kill(rows[0]?.pid ?? Number.NaN, "SIGKILL");
  await eventually("the app is degraded", isDegraded);
  await recovered();
  expect(app.child.exitCode).toBeNull();
});

test("the app recovers after other clients took all connections of Postgres", async () => {
  await underLoad();
  const others: Client[] = [];
  const takeFreeConnections = async () => {
    for (;;) {
      const other = new Client({ connectionString: postgres.url });
      other.on("error", () => undefined);
      const connected = await other.connect().then(
        () => true,
        () => false,
      );
      if (!connected) return;
      others.push(other);
    }
  };
  try {
    // Repeated until these clients win the race for the app's connections.
    await eventually("the app has no connection", async () => {
      await others[0]?.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'orbit-%'",
      );
      await takeFreeConnections();
      return (await isDegraded()) && (await enqueue()).status === 503;
    });
  } finally {
    await Promise.all(others.map((other) => other.end()));
  }
  await recovered();
  expect(app.child.exitCode).toBeNull();
});

test("the app recovers after the network silently dropped everything", async () => {
  await underLoad();
  network.stall();
  const until = performance.now() + UNREACHABLE_MS;
  await eventually("the app is degraded", isDegraded);
  while (performance.now() < until) expect(await isDegraded()).toBe(true);
  network.flow();
  await recovered();
  expect(app.child.exitCode).toBeNull();
});

test("the app recovers when existing connections stay silent and new ones work", async () => {
  await underLoad();
  network.strand();
  await eventually("the app is degraded", isDegraded);
  // Each waiting caller holds its connection until the statement timeout.
  await vi.waitFor(async () => expect(await health()).toMatch(/^200/), SILENT_CONNECTIONS);
  // The server still believes in connections without keepalives, so close them.
  network.cut();
  await recovered();
  expect(app.child.exitCode).toBeNull();
});

test("after all outages the app stops in order, without an unhandled error", async () => {
  app.kill("SIGTERM");
  expect(await app.exit).toBe(0);
  expect(app.stderr()).toBe("");
});

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
/** What a statement of the app may take (35 s), and some. */
const SILENT_CONNECTIONS = { timeout: 60_000, interval: 100 };
const LOG_OF_A_FAILURE = 20_000;

/**
 * Longer than a worker takes to know that it is cut off (three). What an
 * outage of a minute has beyond one of this length is more of the same: tries every 5 s to reconnect.
 */
const UNREACHABLE_MS = 8_000;

let directory: string;
let postgres: EmbeddedPostgres;
let network: TcpProxy;
/** Not through the network that fails. */
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

/** What `/health` says, which must be soon, whatever is down. */
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

/** Some hundred jobs, of which some are being run when it resolves. */
async function underLoad(): Promise<void> {
  await direct.query(
    `select graphile_worker.add_jobs(array(
       select row('workspaces.invites.send-reminder', json_build_object('inviteId', gen_random_uuid()),
                  null, now(), 10, null, null, null)::graphile_worker.job_spec
         from generate_series(1, 500)))`,
  );
  await eventually("the app is at them", async () => (await count("locked_at is not null")) > 0);
}

/** The app is well again by itself, and did all of its jobs. */
async function allIsWell(): Promise<void> {
  await eventually("the app is well", async () =>
    (await health()).startsWith('200 {"status":"ok"'),
  );
  expect((await enqueue()).status).toBe(202);
  await eventually("all jobs are done", async () => {
    // The back-off of those whose handler met the outage.
    await direct.query(
      "update graphile_worker._private_jobs set run_at = now() where locked_at is null",
    );
    return (await count("true")) === 0;
  });
  expect((await direct.query("select from orbit_jobs.dead_jobs")).rows).toEqual([]);
}

test("Postgres is restarted", async () => {
  await underLoad();
  await postgres.stop();
  await eventually("it is degraded", isDegraded);
  const refused = await enqueue();
  expect([refused.status, await refused.json()]).toMatchObject([
    503,
    { error: { code: "jobs.provider_unavailable" } },
  ]);
  postgres = await startPostgres();
  await allIsWell();
  expect(app.child.exitCode).toBeNull();
});

test("Postgres crashes: one of its processes is killed", async () => {
  await underLoad();
  const { rows } = await direct.query<{ pid: number }>(
    "select pid from pg_stat_activity where application_name = 'orbit-jobs' limit 1",
  );
  process.kill(rows[0]?.pid ?? Number.NaN, "SIGKILL");
  await eventually("it is degraded", isDegraded);
  await allIsWell();
  expect(app.child.exitCode).toBeNull();
});

test("Postgres is out of connections, which others have", async () => {
  await underLoad();
  const others: Client[] = [];
  const takeWhatIsFree = async () => {
    for (;;) {
      const other = new Client({ connectionString: postgres.url });
      other.on("error", () => undefined);
      const isIn = await other.connect().then(
        () => true,
        () => false,
      );
      if (!isIn) return;
      others.push(other);
    }
  };
  try {
    // Until the others were faster than the app to take what it had.
    await eventually("the app has none", async () => {
      await others[0]?.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'orbit-%'",
      );
      await takeWhatIsFree();
      return (await isDegraded()) && (await enqueue()).status === 503;
    });
  } finally {
    await Promise.all(others.map((other) => other.end()));
  }
  await allIsWell();
  expect(app.child.exitCode).toBeNull();
});

test("Postgres cannot be reached: nothing passes, and nobody says so", async () => {
  await underLoad();
  network.stall();
  const until = performance.now() + UNREACHABLE_MS;
  await eventually("it is degraded", isDegraded);
  while (performance.now() < until) expect(await isDegraded()).toBe(true);
  network.flow();
  await allIsWell();
  expect(app.child.exitCode).toBeNull();
});

test("the connections of now are silent for good, and new ones are fine", async () => {
  await underLoad();
  network.strand();
  await eventually("it is degraded", isDegraded);
  // Whoever is owed an answer waits for it as long as a statement may take, and has a connection meanwhile.
  await vi.waitFor(async () => expect(await health()).toMatch(/^200/), SILENT_CONNECTIONS);
  // Of what did not ask to be given up the server knows nothing yet.
  network.cut();
  await allIsWell();
  expect(app.child.exitCode).toBeNull();
});

test("after all that it stops in order, and nothing went unhandled", async () => {
  app.kill("SIGTERM");
  expect(await app.exit).toBe(0);
  expect(app.stderr()).toBe("");
});

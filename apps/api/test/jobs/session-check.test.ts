import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildJobs } from "#/jobs/application/job-registry.ts";
import { GraphileJobRuntime } from "#/jobs/infrastructure/graphile/graphile-job-runtime.ts";
import { contractJob } from "#/jobs/testing/contract-jobs.ts";
import { eventually } from "#/jobs/testing/probe.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { silentLog } from "../support/silent-log.ts";

const pgbouncer = findPgBouncer();
if (!pgbouncer) {
  process.stdout.write(
    "SKIPPED the transaction pooler check: no pgbouncer on this machine (apt-get install pgbouncer).\n",
  );
}

describe.skipIf(!pgbouncer)("through a real PgBouncer", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  test("transaction mode is refused at start, and the message names the remedy", async () => {
    const pooler = await startPgBouncer(database.url, "transaction");
    try {
      const runtime = runtimeOn(pooler.url);
      await expect(runtime.start()).rejects.toThrow(/transaction pooler.*WORKER_DATABASE_URL/s);
      await runtime.stop();
    } finally {
      await pooler.stop();
    }
  });

  test("session mode is fine", async () => {
    const pooler = await startPgBouncer(database.url, "session");
    try {
      const runtime = runtimeOn(pooler.url);
      await runtime.start();
      expect(runtime.connected).toBe(true);
      await runtime.stop();
    } finally {
      await pooler.stop();
    }
  });
});

test("a direct connection passes", async () => {
  const database = await createTestDatabase();
  const runtime = runtimeOn(database.url);
  await runtime.start();
  expect(runtime.connected).toBe(true);
  await runtime.stop();
  await database.drop();
});

function runtimeOn(connectionString: string): GraphileJobRuntime {
  return new GraphileJobRuntime(buildJobs([contractJob("contract.work", async () => undefined)]), {
    connectionString,
    concurrency: 1,
    shutdownGraceMs: 100,
    log: silentLog,
  });
}

function findPgBouncer(): string | undefined {
  for (const command of ["pgbouncer", "/usr/sbin/pgbouncer"]) {
    try {
      execFileSync(command, ["--version"], { stdio: "ignore" });
      return command;
    } catch {
      // The next place.
    }
  }
  return undefined;
}

async function startPgBouncer(target: string, mode: "transaction" | "session") {
  const { hostname, port, username, password, pathname } = new URL(target);
  const name = pathname.slice(1);
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-pgbouncer-"));
  const listenPort = await freePort();
  const config = `
[databases]
${name} = host=${hostname} port=${port} dbname=${name} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
auth_type = any
pool_mode = ${mode}
unix_socket_dir =
ignore_startup_parameters = extra_float_digits
`;
  const file = path.join(directory, "pgbouncer.ini");
  await writeFile(file, config, { mode: 0o644 });
  const asRoot = process.getuid?.() === 0;
  await chmod(directory, 0o755);
  const child: ChildProcess = spawn(pgbouncer ?? "", [file], {
    cwd: "/",
    stdio: "ignore",
    ...(asRoot && { uid: 65_534, gid: 65_534 }),
  });
  await eventually("PgBouncer listens", () => isListening(listenPort));
  return {
    url: `postgres://${username}@127.0.0.1:${listenPort}/${name}`,
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

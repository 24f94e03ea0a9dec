import { setImmediate, setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { createRecovery } from "#src/jobs/infrastructure/graphile/recovery.ts";
import { takeLease, type WorkerLease } from "#src/jobs/infrastructure/graphile/worker-lease.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { silentLog } from "../support/silent-log.ts";

const registry = buildJobs([contractJob("contract.work", async () => undefined)]);

interface LeasedWorker {
  readonly client: Client;
  readonly lease: WorkerLease;
  /** Checks once for dead workers. In these tests, no worker checks by itself. */
  check(): Promise<void>;
}

let database: TestDatabase;
let clients: Client[];

async function lease(
  workerId: string,
  { beats = false, onLost = () => {} }: { beats?: boolean; onLost?: (cause: unknown) => void } = {},
): Promise<LeasedWorker> {
  const client = new Client({ connectionString: database.url });
  client.on("error", () => undefined);
  await client.connect();
  clients.push(client);
  const taken = await takeLease({ client, workerId, onLost });
  if (!beats) taken.abandon();
  const { check } = createRecovery({ pool: database.pool, workerId, registry, log: silentLog });
  return { client, lease: taken, check };
}

async function jobClaimedBy(workerId: string, age = "0 seconds"): Promise<void> {
  await database.pool.query("select graphile_worker.add_job('contract.work', '1')");
  await database.pool.query(
    `update graphile_worker._private_jobs set locked_by = $1, attempts = attempts + 1,
            locked_at = now() - $2::interval where locked_by is null`,
    [workerId, age],
  );
}

async function claimed(): Promise<string[]> {
  const { rows } = await database.pool.query<{ locked_by: string }>(
    "select locked_by from graphile_worker._private_jobs where locked_by is not null order by 1",
  );
  return rows.map(({ locked_by }) => locked_by);
}

beforeEach(async () => {
  database = await createTestDatabase();
  clients = [];
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  await database.drop();
});

test("a live worker keeps its jobs, however often others check", async () => {
  await lease("alive");
  await jobClaimedBy("alive");
  const other = await lease("other");
  for (let checks = 0; checks < 5; checks++) await other.check();
  expect(await claimed()).toEqual(["alive"]);
});

test("the second check after a worker lost its connection frees its jobs and removes its row", async () => {
  const dead = await lease("dead");
  await jobClaimedBy("dead");
  const other = await lease("other");
  await dead.client.end();
  await other.check();
  expect(await claimed()).toEqual(["dead"]);
  await other.check();
  expect(await claimed()).toEqual([]);
  const { rows } = await database.pool.query("select id from orbit_jobs.workers");
  expect(rows).toEqual([{ id: "other" }]);
});

test("a heartbeat's answer counts, even if the process was too busy to read it in time", async () => {
  const lost: unknown[] = [];
  const { client } = await lease("busy", { beats: true, onLost: (cause) => lost.push(cause) });
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const backend = rows[0]?.pid ?? Number.NaN;
  process.kill(backend, "SIGSTOP");
  // The next heartbeat waits for its answer, which arrives while this process reads nothing.
  await delay(1_200);
  process.kill(backend, "SIGCONT");
  // From here on, timers fire before the process reads anything.
  await setImmediate();
  const until = performance.now() + 6_000;
  while (performance.now() < until);
  await delay(1_500);
  expect(lost).toEqual([]);
});

test("a frozen worker, which sends no heartbeats, loses its jobs", async () => {
  const limit = "select current_setting('idle_session_timeout') as limit";
  const frozen = await lease("frozen");
  expect((await frozen.client.query(limit)).rows).toEqual([{ limit: "1min" }]);
  const alive = await lease("alive", { beats: true });
  // A test cannot wait for a minute.
  for (const { client } of [frozen, alive]) await client.query("set idle_session_timeout = 4000");
  await jobClaimedBy("frozen");
  await jobClaimedBy("alive");
  const other = await lease("other");
  await eventually("the frozen worker's job is free", async () => {
    await other.check();
    return (await claimed()).length === 1;
  });
  expect(await claimed()).toEqual(["alive"]);
});

test("the lock of an unregistered worker is freed, unless it is on another app's job", async () => {
  await jobClaimedBy("never-registered");
  await database.pool.query("select graphile_worker.add_job('not.ours', '1')");
  await jobClaimedBy("foreign");
  await database.pool.query(
    "delete from graphile_worker._private_jobs where locked_by = 'foreign' and task_id = (select id from graphile_worker._private_tasks where identifier = 'contract.work')",
  );
  const other = await lease("other");
  for (let checks = 0; checks < 3; checks++) await other.check();
  expect(await claimed()).toEqual(["foreign"]);
});

test("two workers that find the same dead worker free its jobs once", async () => {
  const dead = await lease("dead");
  await jobClaimedBy("dead");
  const [one, two] = [await lease("one"), await lease("two")];
  await dead.client.end();
  await Promise.all([one.check(), two.check()]);
  await Promise.all([one.check(), two.check()]);
  expect(await claimed()).toEqual([]);
});

test("release() frees the jobs that the worker still holds", async () => {
  const leaving = await lease("leaving");
  await jobClaimedBy("leaving");
  await leaving.lease.release("The worker stopped before this run ended.", []);
  const { rows } = await database.pool.query(
    "select attempts, last_error, run_at <= now() as due from graphile_worker._private_jobs",
  );
  expect(rows).toEqual([
    { attempts: 1, last_error: "The worker stopped before this run ended.", due: true },
  ]);
});

test("release() gives claimed jobs that never began their attempt back", async () => {
  const leaving = await lease("leaving");
  await jobClaimedBy("leaving");
  const { rows: jobs } = await database.pool.query<{ id: string }>(
    "select id from graphile_worker._private_jobs",
  );
  await leaving.lease.release(
    "The worker stopped before this run ended.",
    jobs.map(({ id }) => id),
  );
  const { rows } = await database.pool.query(
    "select attempts, last_error, locked_by from graphile_worker._private_jobs",
  );
  expect(rows).toEqual([{ attempts: 0, last_error: null, locked_by: null }]);
});

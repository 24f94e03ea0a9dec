import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createConnections } from "#src/jobs/infrastructure/graphile/worker-connections.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { createTestDatabase } from "../support/database.ts";
import { openGraphileWorld } from "../support/graphile-harness.ts";
import { openKillPoint } from "../support/kill-point.ts";
import { startProcess } from "../support/process.ts";
import { silentLog } from "../support/silent-log.ts";
import { openTcpProxy } from "../support/tcp-proxy.ts";

/** Each round cuts every connection of the workers except those of leases. */
const ROUNDS = 12;

test("a cut connection is no failed attempt: jobs with one attempt run to their end", async () => {
  const ended = new Set<unknown>();
  const world = await openGraphileWorld([
    contractJob("contract.work", async (payload) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      ended.add(payload);
    }),
  ]);
  await world.runtime().start();
  for (let round = 0; round < ROUNDS; round++) {
    await world.queue.enqueueMany(
      Array.from({ length: 10 }, (_, index) => ({
        name: "contract.work",
        payload: round * 10 + index,
        options: { maxAttempts: 1 },
      })),
    );
    await eventually("some jobs have ended", async () => ended.size > round * 5);
    await world.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'orbit-jobs' and datname = current_database()
          and query not like '%advisory%'`,
    );
  }
  await eventually("all jobs have ended", async () => (await world.pendingCount()) === 0);
  const dead = await world.deadJobs();
  // Only a run that was cut off after its begin may be dead, and its error says so.
  expect(
    dead.map(({ lastError }) => lastError).filter((text) => !/stopped|died/.test(text)),
  ).toEqual([]);
  expect(ended.size + dead.length).toBeGreaterThanOrEqual(ROUNDS * 10);
  await world.close();
});

test("a worker that loses its connection during LISTEN, while it stops, exits without an error", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const point = await openKillPoint(database.url);
  onTestFinished(() => point.close());
  const reached = point.holdAt("LISTEN", "request");
  const worker = startProcess("src/worker.ts", {
    JOBS_PROVIDER: "graphile",
    DATABASE_URL: point.url,
  });
  onTestFinished(() => worker.kill("SIGKILL"));
  await reached;
  worker.kill("SIGTERM");
  await delay(500);
  point.breakHeld();
  const exit = await worker.exit;
  expect({ exit, stderr: worker.stderr() }).toEqual({ exit: 0, stderr: "" });
});

test("the worker's pool refuses a connection after its end, without a release function", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const { pool, end } = createConnections({
    connectionString: database.url,
    concurrency: 1,
    log: silentLog,
    onLost: () => undefined,
  });
  await end(1_000);
  const refusal = new Promise<Error | undefined>((resolve) => {
    pool.connect((error, _client, release) => {
      // graphile-worker calls it when it has stopped in the meantime.
      release?.();
      resolve(error);
    });
  });
  expect((await refusal)?.message).toMatch(/after calling end/);
});

test("a worker process that loses its database survives with claimed jobs in memory, and runs jobs later", async () => {
  const world = await openGraphileWorld([contractJob("contract.work", async () => undefined)]);
  onTestFinished(() => world.close());
  const network = await openTcpProxy(world.url);
  onTestFinished(() => network.close());
  const worker = startProcess("test/support/crash-worker.ts", {
    DATABASE_URL: network.url,
    GRACE_MS: "50",
  });
  onTestFinished(() => worker.kill("SIGKILL"));
  await worker.waitFor(/started/);
  await world.queue.enqueueMany(
    ["hang", "claimed", "claimed"].map((payload) => ({ name: "contract.work", payload })),
  );
  await eventually("all are claimed", async () => (await world.lockedCount()) === 3);
  network.refuse();
  network.cut();
  await worker.waitFor(/reconnect failed, retrying/);
  network.flow();
  await worker.waitFor(/begun "hang" 2/);
  worker.kill("SIGTERM");
  const exit = await worker.exit;
  expect({ exit, stderr: worker.stderr() }).toEqual({ exit: 0, stderr: "" });
});

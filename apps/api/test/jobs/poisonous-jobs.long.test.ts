import { expect, onTestFinished, test } from "vitest";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { openGraphileWorld } from "../support/graphile-harness.ts";
import { startProcess, type TestProcess } from "../support/process.ts";

const NEIGHBOURS = Array.from({ length: 20 }, (_, number) => number);
const ATTEMPTS = 3;

const idle = async () => undefined;

test("a job that kills its process every time is dead after its attempts, and other jobs lose no attempt", async () => {
  const world = await openGraphileWorld([
    contractJob("contract.work", idle),
    contractJob("contract.other", idle),
  ]);
  const fleet: TestProcess[] = [];
  onTestFinished(async () => {
    for (const worker of fleet) worker.kill("SIGKILL");
    await Promise.all(fleet.map(({ exit }) => exit));
    await world.close();
  });
  const startWorker = async () => {
    const worker = startProcess("test/support/bomb-worker.ts", { DATABASE_URL: world.url });
    fleet.push(worker);
    await worker.waitFor(/started/);
    return worker;
  };
  const said = () => fleet.flatMap(({ stdout }) => stdout().split("\n"));

  await world.queue.enqueueMany([
    {
      name: "contract.work",
      payload: "kills",
      // It runs first: the completion of a neighbour that just ended might not be stored yet.
      options: { maxAttempts: ATTEMPTS, runAt: new Date(0) },
    },
    // The worker that it kills claims these in the same batch. Each has one attempt.
    ...NEIGHBOURS.map((payload) => ({
      name: "contract.other" as const,
      payload,
      options: { maxAttempts: 1 },
    })),
  ]);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    // A supervisor would start another worker for each one that exits.
    const worker = await startWorker();
    await worker.waitFor(new RegExp(`bomb ${attempt}`));
    expect(await worker.exit).toBe("SIGKILL");
    if (attempt < 2) continue;
    await startWorker();
    if (attempt === ATTEMPTS) break;
    await eventually(
      "the dead worker's jobs are free",
      async () => (await world.waitingAfter(attempt)) === 1,
    );
    const { rows } = await world.pool.query<{ seconds: number }>(
      `select extract(epoch from run_at - now())::float8 as seconds
         from graphile_worker._private_jobs where attempts = $1`,
      [attempt],
    );
    // The first crash has no back-off, since it may not be the job's fault. Later ones have.
    expect(rows[0]?.seconds).toBeGreaterThan(Math.exp(attempt) - 2);
    await eventually("the neighbours are done", async () => (await world.pendingCount()) === 1);
    for (const { kill } of fleet) kill("SIGKILL");
    await world.elapse(Math.exp(attempt));
  }
  await eventually("all jobs have ended", async () => (await world.pendingCount()) === 0);
  expect(await world.deadJobs()).toEqual([
    { name: "contract.work", attempts: ATTEMPTS, lastError: "The worker died during this run." },
  ]);
  const runs = said().filter((line) => line.startsWith("neighbour"));
  expect(runs.toSorted()).toEqual(NEIGHBOURS.map((payload) => `neighbour ${payload} 1`).toSorted());
  expect(said().filter((line) => line.startsWith("bomb"))).toEqual(["bomb 1", "bomb 2", "bomb 3"]);
});

test("of two workers, one survives a job that ends its process, and runs all other jobs", async () => {
  const world = await openGraphileWorld([
    contractJob("contract.work", idle),
    contractJob("contract.other", idle),
  ]);
  const start = () => startProcess("test/support/bomb-worker.ts", { DATABASE_URL: world.url });
  const fleet = [start(), start()];
  onTestFinished(async () => {
    for (const worker of fleet) worker.kill("SIGKILL");
    await Promise.all(fleet.map(({ exit }) => exit));
    await world.close();
  });
  await Promise.all(fleet.map((worker) => worker.waitFor(/started/)));
  await world.queue.enqueue("contract.work", "exits", { maxAttempts: 1 });
  expect(await Promise.race(fleet.map(({ exit }) => exit))).toBe(1);
  await world.queue.enqueueMany(
    NEIGHBOURS.map((payload) => ({ name: "contract.other" as const, payload })),
  );
  await eventually("all jobs have ended", async () => (await world.pendingCount()) === 0);
  expect(await world.deadJobs()).toMatchObject([{ attempts: 1 }]);
  expect(fleet.filter(({ child }) => child.exitCode === null)).toHaveLength(1);
});

import { expect, onTestFinished, test } from "vitest";
import { eventually } from "#src/jobs/testing/probe.ts";
import { activity, createAcme, storedEvents } from "../support/activity.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { startProcess, type TestProcess } from "../support/process.ts";

async function startWorker({ database }: TestApp): Promise<TestProcess> {
  const worker = startProcess("src/worker.ts", {
    DATABASE_URL: database.url,
    JOBS_PROVIDER: "graphile",
    NODE_ENV: "production",
    ORBIT_API_TOKEN: "token-of-many-characters-for-a-worker",
  });
  onTestFinished(() => worker.kill("SIGKILL"));
  await worker.waitFor(/The worker runs/);
  return worker;
}

/** Locks a table in another session. Returns the function that unlocks it. */
async function lock({ database }: TestApp, table: string, mode: string) {
  const client = await database.pool.connect();
  await client.query("begin");
  await client.query(`lock table ${table} in ${mode} mode`);
  return async () => {
    await client.query("rollback");
    client.release();
  };
}

const waiting = async ({ database }: TestApp, relation: string) => {
  const { rowCount } = await database.pool.query(
    "select from pg_locks where not granted and relation = $1::regclass",
    [relation],
  );
  return (rowCount ?? 0) > 0;
};

const JOBS = "graphile_worker._private_jobs";

test.each([
  ["in the middle of the projection", false],
  ["after the projection's commit and before the job's end", true],
])("a worker killed %s leaves an event that is applied once", async (_when, isCommitted) => {
  const app = await startTestApp();
  onTestFinished(() => app.close());
  await createAcme(app);
  const releaseActivity = await lock(app, "workspace_activity", "access exclusive");
  const worker = await startWorker(app);
  await eventually("the projection waits", () => waiting(app, "workspace_activity"));
  let releaseJobs: (() => Promise<void>) | undefined;
  if (isCommitted) {
    releaseJobs = await lock(app, JOBS, "share");
    await releaseActivity();
    await eventually("the job's end waits", () => waiting(app, JOBS));
    await eventually("the activity is stored", async () => {
      return (await activity(app)).join() === "workspace.created";
    });
    await app.database.pool.query("delete from workspace_activity");
  }
  worker.kill("SIGKILL");
  await worker.exit;
  await (releaseJobs ?? releaseActivity)();

  await startWorker(app);
  await eventually("the job is done", async () => {
    const { rowCount } = await app.database.pool.query(`select from ${JOBS}`);
    return rowCount === 0;
  });
  // The second run finds the first one's entry in the ledger, and does not add the deleted entry again.
  expect(await activity(app)).toEqual(isCommitted ? [] : ["workspace.created"]);
  expect(await storedEvents(app)).toMatchObject([{ pending: [] }]);
});

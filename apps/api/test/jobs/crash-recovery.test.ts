import { afterEach, beforeEach, expect, test } from "vitest";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { type GraphileWorld, openGraphileWorld } from "../support/graphile-harness.ts";
import { startProcess, type TestProcess } from "../support/process.ts";

const RECOVERY_LIMIT_MS = 5_000;

const runs = createProbe<string>();
let world: GraphileWorld;
let victims: TestProcess[];

async function startVictim(env: Record<string, string> = {}): Promise<TestProcess> {
  const victim = startProcess("test/support/crash-worker.ts", { DATABASE_URL: world.url, ...env });
  victims.push(victim);
  await victim.waitFor(/started/);
  return victim;
}

beforeEach(async () => {
  victims = [];
  world = await openGraphileWorld([
    contractJob("contract.work", async (payload, { attempt }) => {
      runs.report(`${JSON.stringify(payload)} ${attempt}`);
    }),
  ]);
});

afterEach(async () => {
  for (const victim of victims) victim.kill("SIGKILL");
  await world.close();
});

test("a killed worker's jobs, running or claimed, run elsewhere within five seconds", async () => {
  const victim = await startVictim();
  await world.queue.enqueueMany([
    { name: "contract.work", payload: "hang" },
    { name: "contract.work", payload: "claimed" },
  ]);
  await victim.waitFor(/begun "hang" 1/);
  await eventually("both are claimed", async () => (await world.lockedCount()) === 2);
  await world.runtime().start();
  victim.kill("SIGKILL");
  const killed = performance.now();
  const seen = [await runs.next(), await runs.next()];
  expect(performance.now() - killed).toBeLessThan(RECOVERY_LIMIT_MS);
  expect(new Set(seen.map((run) => run.split(" ")[0]))).toEqual(new Set(['"claimed"', '"hang"']));
  expect(seen).toContain('"hang" 2');
});

test("a worker that starts alone after a kill recovers the jobs", async () => {
  const victim = await startVictim();
  await world.queue.enqueue("contract.work", "hang");
  await victim.waitFor(/begun "hang" 1/);
  victim.kill("SIGKILL");
  await victim.exit;
  await world.runtime().start();
  expect(await runs.next()).toBe('"hang" 2');
});

test("a kill during the last attempt leaves the job dead, with an error that says so", async () => {
  const victim = await startVictim();
  await world.queue.enqueue("contract.work", "hang", { maxAttempts: 1 });
  await victim.waitFor(/begun "hang" 1/);
  await world.runtime().start();
  victim.kill("SIGKILL");
  await eventually("the job is dead", async () => (await world.deadJobs()).length === 1);
  expect(await world.deadJobs()).toEqual([
    { name: "contract.work", attempts: 1, lastError: "The worker died during this run." },
  ]);
});

test("a kill does not lose a claimed job with one attempt that never began", async () => {
  const victim = await startVictim();
  await world.queue.enqueueMany([
    { name: "contract.work", payload: "hang" },
    { name: "contract.work", payload: "claimed", options: { maxAttempts: 1 } },
  ]);
  await victim.waitFor(/begun "hang" 1/);
  await eventually("both are claimed", async () => (await world.lockedCount()) === 2);
  victim.kill("SIGKILL");
  await victim.exit;
  await world.runtime().start();
  const seen = [await runs.next(), await runs.next()];
  expect(seen).toContain('"claimed" 1');
});

test("a worker whose handler blocks it for seconds is not recovered as dead", async () => {
  const victim = await startVictim();
  await world.queue.enqueue("contract.work", "block");
  await victim.waitFor(/begun "block" 1/);
  await world.runtime().start();
  await victim.waitFor(/ended "block" 1/);
  await eventually("the job is done", async () => (await world.pendingCount()) === 0);
  expect(runs.unread).toEqual([]);
  expect(victim.stdout()).not.toContain("database lost");
});

test("SIGTERM lets the running handler finish its job", async () => {
  const victim = await startVictim();
  await world.queue.enqueue("contract.work", "until-sigterm");
  await victim.waitFor(/begun "until-sigterm" 1/);
  victim.kill("SIGTERM");
  expect(await victim.exit).toBe(0);
  expect(victim.stdout()).toContain('ended "until-sigterm" 1');
  expect(await world.pendingCount()).toBe(0);
});

test("SIGTERM aborts a handler that outlasts its grace, and frees its job at once", async () => {
  const victim = await startVictim({ GRACE_MS: "50" });
  await world.queue.enqueue("contract.work", "hang");
  await victim.waitFor(/begun "hang" 1/);
  victim.kill("SIGTERM");
  expect(await victim.exit).toBe(0);
  expect(await world.lockedCount()).toBe(0);
  await world.runtime().start();
  expect(await runs.next()).toBe('"hang" 2');
});

import { expect, onTestFinished, test } from "vitest";
import { buildJobs, type JobRegistry } from "#src/jobs/application/job-registry.ts";
import { checkedQueue } from "#src/jobs/application/prepare-enqueue.ts";
import {
  addJobs,
  claimJob,
  createMemoryRuntime,
  createMemoryStore,
  type MemoryStore,
  nextDue,
} from "#src/jobs/infrastructure/memory/memory-provider.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { silentLog } from "../support/silent-log.ts";

const JOBS = 20_000;

const queueOf = (registry: JobRegistry, store: MemoryStore) =>
  checkedQueue(registry, 1_048_576, async (jobs) => addJobs(store, jobs));

test("twenty thousand jobs run in seconds, and timers fire meanwhile", async () => {
  let done = 0;
  const registry = buildJobs([contractJob("contract.work", async () => void (done += 1))]);
  const store = createMemoryStore();
  const runtime = createMemoryRuntime(registry, {
    store,
    concurrency: 10,
    shutdownGraceMs: 100,
    log: silentLog,
  });
  onTestFinished(() => runtime.stop());
  const requests = Array.from({ length: JOBS }, (_, payload) => ({
    name: "contract.work" as const,
    payload,
  }));
  await queueOf(registry, store).enqueueMany(requests);
  const doneWhenFired: number[] = [];
  const ticking = setInterval(() => doneWhenFired.push(done), 5);
  onTestFinished(() => clearInterval(ticking));
  await runtime.start();
  await eventually("all are done", async () => done === JOBS);
  expect(doneWhenFired.some((count) => count > 0 && count < JOBS)).toBe(true);
  expect(store.jobs.size).toBe(0);
}, 20_000);

test("jobs are claimed by priority, then time, then arrival; unknown and later jobs stay", async () => {
  const work = contractJob("contract.work", async () => undefined);
  const urgent = contractJob("contract.other", async () => undefined, {
    providerOptions: { priority: -1 },
  });
  let time = 1_000_000;
  const store = createMemoryStore({ now: () => new Date(time) });
  const queue = queueOf(buildJobs([work, urgent]), store);
  const at = (runAt: number) => ({ runAt: new Date(runAt) });
  await queue.enqueue("contract.work", "second", at(time - 1));
  await queue.enqueue("contract.work", "first", at(time - 2));
  await queue.enqueue("contract.work", "third", at(time - 1));
  await queue.enqueue("contract.work", "later", at(time + 5));
  await queue.enqueue("contract.other", "urgent", at(time));
  const known = buildJobs([work]);
  const claimed = (registry: typeof known) => claimJob(store, registry, "me")?.json.slice(1, -1);
  expect(claimed(known)).toBe("first");
  expect(claimed(buildJobs([work, urgent]))).toBe("urgent");
  await queue.enqueue("contract.other", "unknown", at(time));
  expect([claimed(known), claimed(known), claimed(known)]).toEqual(["second", "third", undefined]);
  expect(nextDue(store, known)).toBe(time + 5);
  // After the clock is set back, a job that is not due any more is not claimed.
  time += 5;
  await queue.enqueue("contract.work", "now", at(time - 6));
  expect(claimed(known)).toBe("now");
  time -= 5;
  expect(claimed(known)).toBeUndefined();
  time += 5;
  expect([claimed(known), claimed(known)]).toEqual(["later", undefined]);
});

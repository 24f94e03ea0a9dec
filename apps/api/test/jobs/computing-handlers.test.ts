import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { openGraphileWorld } from "../support/graphile-harness.ts";

/** Blocks the event loop. */
function compute(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** A world with so many waiting jobs, each of which computes for `ms` milliseconds. */
async function openWorld(jobs: number, ms: number, options = {}) {
  const world = await openGraphileWorld([
    contractJob("contract.work", async (_payload, { signal }) => {
      signal.throwIfAborted();
      compute(ms);
    }),
  ]);
  onTestFinished(() => world.close());
  await world.queue.enqueueMany(
    Array.from({ length: jobs }, (_, payload) => ({
      name: "contract.work",
      payload,
      options,
    })),
  );
  return world;
}

test("handlers that compute and never wait let the event loop run, however many run at once", async () => {
  const world = await openWorld(80, 50);
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  onTestFinished(() => clearInterval(timer));
  await world.runtime({ concurrency: 20 }).start();
  await eventually("all jobs are done", async () => (await world.pendingCount()) === 0);
  expect(longest).toBeGreaterThan(50);
  expect(longest).toBeLessThan(600);
});

test("a run that waits for its turn when the worker stops also gets the grace", async () => {
  const world = await openWorld(40, 150, { maxAttempts: 1 });
  const runtime = world.runtime({ concurrency: 4, shutdownGraceMs: 10_000 });
  await runtime.start();
  await delay(400);
  await runtime.stop();
  expect(await world.deadJobs()).toEqual([]);
  expect(await world.lockedCount()).toBe(0);
});

import { expect, onTestFinished, test } from "vitest";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { JsonValue } from "#src/jobs/application/job-types.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { openQStashWorld } from "../support/qstash-harness.ts";

async function open(job: JobDefinition) {
  const world = await openQStashWorld([job]);
  onTestFinished(() => world.close());
  return world;
}

const created = (log: readonly string[]) => log.filter((line) => line.startsWith("CREATED"));

test("a key is taken while its job waits, and free when the job has run", async () => {
  const runs = createProbe<JsonValue>();
  const job = contractJob("contract.work", async (payload) => runs.report(payload));
  const world = await open(job);
  await world.runtime().start();
  const runAt = new Date(Date.now() + 3_600_000);
  await world.queue.enqueue("contract.work", 1, { runAt, jobKey: "k" });
  // QStash's own deduplication lasts ten minutes.
  await world.elapse(3_000);
  await world.queue.enqueue("contract.work", 2, { jobKey: "k" });
  expect(await world.pendingCount()).toBe(1);
  await world.elapse(600);
  expect(await runs.next()).toBe(1);
  await eventually("it is done", async () => (await world.pendingCount()) === 0);
  await world.queue.enqueue("contract.work", 3, { jobKey: "k" });
  expect(await runs.next()).toBe(3);
  const { rows } = await world.pool.query("select from orbit_jobs.job_keys");
  expect(rows).toHaveLength(0);
});

test("a week after QStash dropped a message its key is free, despite absorbed enqueues", async () => {
  const job = contractJob("contract.work", async () => undefined);
  const world = await open(job);
  await world.queue.enqueue("contract.work", 1, { jobKey: "k" });
  const age = (days: number) =>
    world.pool.query("update orbit_jobs.job_keys set expires_at = expires_at - $1::interval", [
      `${days} days`,
    ]);
  await age(4);
  await world.queue.enqueue("contract.work", 2, { jobKey: "k" });
  expect(created(world.log)).toHaveLength(1);
  await age(4);
  await world.queue.enqueue("contract.work", 3, { jobKey: "k" });
  expect(created(world.log)).toHaveLength(2);
});

test("an unpublished holder of a key does not block later enqueues", async () => {
  const runs = createProbe<JsonValue>();
  const job = contractJob("contract.work", async (payload) => runs.report(payload));
  const world = await open(job);
  await world.runtime().start();
  world.qstash.faults.set({ "answer-500": { probability: 1, times: 1 } });
  await expect(world.queue.enqueue("contract.work", 1, { jobKey: "k" })).rejects.toThrow(/500/);
  await world.queue.enqueue("contract.work", 2, { jobKey: "k" });
  expect(await runs.next()).toBe(2);
});

import { expect, test } from "vitest";
import { defineJob } from "#src/jobs/application/define-job.ts";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { inMemoryJobs } from "#src/jobs/testing/in-memory-jobs.ts";
import { createProbe } from "#src/jobs/testing/probe.ts";
import "../support/helper-jobs.ts";

/** An hourly job without back-fill. */
function hourly(handler: () => Promise<void> = async () => undefined): JobDefinition {
  const schedule = { cron: "0 * * * *", backfill: 0 };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler uses no core
  return defineJob({ name: "helpers.tick", schedule, handler })({} as OrbitJobs.Core);
}

test("without back-fill, a running worker makes the next tick, but no missed ones", async () => {
  const ticked = createProbe<string>();
  const started = Date.now();
  const halfASecondBefore = Date.parse("2026-03-01T11:59:59.500Z");
  const clock = { now: () => new Date(halfASecondBefore + Date.now() - started) };
  const jobs = inMemoryJobs([hourly(async () => ticked.report("tick"))], { clock });
  const runtime = jobs.runtime();
  await runtime.start();
  expect(await ticked.next()).toBe("tick");
  await runtime.stop();
  expect(ticked.unread).toEqual([]);
});

test("without back-fill, advance makes every tick that it passes", async () => {
  const clock = { now: () => new Date("2026-03-01T10:30:00Z") };
  const jobs = inMemoryJobs([hourly()], { clock });
  jobs.advance(7_200);
  expect(await jobs.drain()).toHaveLength(2);
  expect(() => jobs.advance(Number.POSITIVE_INFINITY)).toThrow("time cannot advance by Infinity");
});

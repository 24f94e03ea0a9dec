import { expect, onTestFinished, test } from "vitest";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import {
  createMemoryRuntime,
  createMemoryStore,
  syncMemorySchedules,
} from "#src/jobs/infrastructure/memory/memory-provider.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { createTestDatabase } from "../support/database.ts";
import { graphileParts } from "../support/graphile-parts.ts";
import { silentLog } from "../support/silent-log.ts";
import { watchLoop } from "../support/watch-loop.ts";

const THREE_WEEKS_MS = 21 * 86_400_000;
const ZONES = Intl.supportedValuesOf("timeZone");

/** The longest block that other code of a start may cause. Three weeks of 60 schedules once took over a minute. */
const LONGEST_BLOCK_MS = 100;

/** Makes `count` definitions, each with its own name. */
function scheduled(
  count: number,
  cronOf: (index: number) => string,
  { handler = async () => undefined, prefix = "load" }: LoadOptions = {},
): JobDefinition[] {
  return Array.from({ length: count }, (_, index) => {
    const timezone = ZONES[(index * 7) % ZONES.length] ?? "UTC";
    const schedule = { cron: cronOf(index), timezone, payload: index, backfill: THREE_WEEKS_MS };
    const name: object = { name: `${prefix}.job-${index}` };
    return { ...contractJob("contract.work", handler, { schedule }), ...name };
  });
}

interface LoadOptions {
  readonly handler?: () => Promise<void>;
  readonly prefix?: string;
}

const rare = (index: number) => `${index % 60} ${index % 24} 29 2 *`;
const daily = (index: number) => `${index % 60} ${index % 24} * * *`;

test("a thousand schedules are checked at once", () => {
  const definitions = [...scheduled(500, rare, { prefix: "rare" }), ...scheduled(500, daily)];
  const begin = process.cpuUsage();
  expect(buildJobs(definitions)).toHaveLength(1_000);
  const { user, system } = process.cpuUsage(begin);
  expect((user + system) / 1_000).toBeLessThan(LONGEST_BLOCK_MS);
});

test("two graphile workers make up three weeks of many schedules, each tick once, and nothing blocks the event loop", {
  timeout: 60_000,
}, async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  let runs = 0;
  const handler = async () => void (runs += 1);
  const definitions = [
    ...scheduled(500, rare, { prefix: "rare", handler }),
    ...scheduled(20, daily, { prefix: "daily", handler }),
    ...scheduled(1, () => "*/30 * * * *", { prefix: "often", handler }),
  ];
  const warnings: unknown[] = [];
  const log = { ...silentLog, warn: (...entry: unknown[]) => void warnings.push(entry) };
  const open = () =>
    graphileParts(definitions, { url: database.url, concurrency: 10, log }).runtime;
  const earlier = open();
  await earlier.start();
  await earlier.stop();
  await database.pool.query(
    `update graphile_worker._private_known_crontabs
        set known_since = now() - interval '30 days', last_execution = null`,
  );
  const runtimes = [open(), open()];
  onTestFinished(() =>
    Promise.all(runtimes.map((runtime) => runtime.stop())).then(() => undefined),
  );
  const watch = watchLoop();
  const begin = performance.now();
  await Promise.all(runtimes.map((runtime) => runtime.start()));
  expect(performance.now() - begin).toBeLessThan(5_000);
  // A minute may begin while the test runs.
  const ticks = 21 * 20 + 21 * 24 * 2;
  await eventually("all missed ticks have run", async () => runs >= ticks - 21);
  expect(watch.stop()).toBeLessThan(LONGEST_BLOCK_MS);
  await eventually("nothing waits", async () => {
    const { rows } = await database.pool.query("select from graphile_worker._private_jobs");
    return rows.length === 0;
  });
  expect(runs).toBeLessThanOrEqual(ticks + 21);
  expect(runtimes.map(({ connected }) => connected)).toEqual([true, true]);
  expect(warnings).toEqual([]);
});

test("memory makes up three weeks of every minute, and nothing blocks the event loop", {
  timeout: 60_000,
}, async () => {
  let runs = 0;
  const handler = async () => void (runs += 1);
  const registry = buildJobs([
    ...scheduled(1, () => "* * * * *", { prefix: "often", handler }),
    ...scheduled(60, rare, { prefix: "rare", handler }),
    ...scheduled(20, daily, { prefix: "daily", handler }),
  ]);
  let asleepMs = THREE_WEEKS_MS;
  const store = createMemoryStore({ now: () => new Date(Date.now() - asleepMs) });
  syncMemorySchedules(store, registry);
  asleepMs = 0;
  const runtime = createMemoryRuntime(registry, {
    store,
    concurrency: 10,
    shutdownGraceMs: 100,
    log: silentLog,
  });
  onTestFinished(() => runtime.stop());
  const watch = watchLoop();
  await runtime.start();
  const ticks = 21 * 1_440 + 21 * 20;
  await eventually("all missed ticks have run", async () => runs >= ticks - 21);
  expect(watch.stop()).toBeLessThan(LONGEST_BLOCK_MS);
  await eventually("nothing waits", async () => store.jobs.size === 0);
  expect(runs).toBeLessThanOrEqual(ticks + 21);
});

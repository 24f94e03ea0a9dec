import { describe, expect, test } from "vitest";
import { isTick, nextTick } from "#src/jobs/application/cron.ts";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { buildJobs, inFeature } from "#src/jobs/application/job-registry.ts";
import { readJobsConfig } from "#src/jobs/env.ts";
import { providers } from "../../dev/contract/provider-table.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";

const job = contractJob("contract.work", async () => undefined);
const schedule = { cron: "0 * * * *", timezone: "UTC", payload: {}, backfill: 0 };

/** A definition that the compiler did not check, as from JavaScript. */
const changed = (change: object): JobDefinition => ({ ...job, ...change });

describe("buildJobs refuses, naming the job and the feature,", () => {
  test.each([
    ["an upper-case name", { name: "Contract.work" }, /job "Contract\.work".*must be named/],
    ["an empty segment", { name: "contract..work" }, /must be named/],
    ["an underscore", { name: "contract.work_now" }, /must be named/],
    ["a name too long", { name: "x".repeat(121) }, /at most 120/],
    ["no attempts", { maxAttempts: 0 }, /has maxAttempts 0/],
    ["half an attempt", { maxAttempts: 2.5 }, /has maxAttempts 2\.5/],
    ["too many attempts", { maxAttempts: 32_768 }, /from 1 to 32767/],
    ["a timeout of nothing", { timeout: 0 }, /has timeout 0/],
    ["a timeout that timers cannot hold", { timeout: 2 ** 31 }, /has timeout/],
    ["six fields of cron", { schedule: { ...schedule, cron: "0 0 * * * *" } }, /five fields/],
    ["a bad cron", { schedule: { ...schedule, cron: "61 * * * *" } }, /not a cron expression/],
    ["a cron that never ticks", { schedule: { ...schedule, cron: "0 0 31 2 *" } }, /never ticks/],
    [
      "a bad timezone",
      { schedule: { ...schedule, timezone: "Mars/Base" } },
      /not an IANA time zone/,
    ],
    ["half a version", { version: 1.5 }, /has version 1\.5: it must be an integer from 1 to 999/],
    ["a version without upgrade", { version: 2 }, /has version 2 and no upgrade/],
    ["an upgrade to nothing", { upgrade: () => 1 }, /raise the version/],
    ["half a priority", { priority: 0.5 }, /has priority 0\.5/],
    ["a negative back-fill", { schedule: { ...schedule, backfill: -1 } }, /has backfill -1/],
  ])("%s", (_title, change, message) => {
    const build = () => buildJobs(inFeature("invoices", [changed(change)]));
    expect(build).toThrow(message);
    expect(build).toThrow(/of feature "invoices"/);
  });

  test("a duplicate name, and says where else it is", () => {
    expect(() => buildJobs([...inFeature("one", [job]), ...inFeature("two", [job])])).toThrow(
      'job "contract.work" of feature "two" is already defined by feature "one"',
    );
  });

  test("everything at once", () => {
    const bad = changed({ name: "Bad", maxAttempts: 0, timeout: -1 });
    expect(() => buildJobs([bad])).toThrow(/must be named[^]*maxAttempts[^]*timeout/);
  });
});

describe("an option that the chosen provider lacks is refused, with job, option and reason", () => {
  const urgent = contractJob("contract.work", async () => undefined, {
    providerOptions: { priority: -1 },
  });
  const long = contractJob("contract.other", async () => undefined, { timeout: 3 * 3_600_000 });

  test("by qstash", () => {
    const build = () => buildJobs([urgent, long], providers.qstash);
    expect(build).toThrow(
      /job "contract\.work" asks for providerOptions\.priority which the provider qstash does not support: QStash delivers/,
    );
    expect(build).toThrow(/job "contract\.other" asks for a timeout of 10800000 ms/);
  });

  test("but not by memory from the environment", () => {
    const memory = readJobsConfig({ JOBS_PROVIDER: "memory" });
    if (!memory.ok) throw new Error(memory.problems.join());
    expect(memory.config.provider.name).toBe("memory");
    expect(buildJobs([urgent, long], memory.config.provider)).toHaveLength(2);
  });

  test("by a provider without schedules", () => {
    const scheduled = changed({ schedule });
    const bare = { name: "bare", unsupported: { schedules: "it has no clock" } };
    expect(() => buildJobs([scheduled], bare)).toThrow(/a schedule which the provider bare/);
  });

  test("but none by graphile", () => {
    expect(buildJobs([urgent, long], providers.graphile)).toHaveLength(2);
  });
});

test("a registry cannot be changed", () => {
  const registry = buildJobs([job]);
  expect(Object.isFrozen(registry)).toBe(true);
});

describe("schedules over the changes of daylight saving", () => {
  const daily = { cron: "30 2 * * *", timezone: "Europe/Berlin" };

  test("a time that the spring skips comes once, half an hour late", () => {
    const ticks = ticksOf(daily, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
    expect(ticks).toEqual(["2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"]);
  });

  test("a time that the autumn repeats comes once", () => {
    const ticks = ticksOf(daily, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
    expect(ticks).toEqual(["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"]);
  });

  test("an hourly schedule comes every hour, also in the hour that is repeated", () => {
    const hourly = { cron: "15 * * * *", timezone: "Europe/Berlin" };
    const ticks = ticksOf(hourly, "2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z");
    expect(ticks).toHaveLength(4);
  });

  test("nextTick and isTick say the same", () => {
    const from = new Date("2026-03-28T12:00:00Z");
    expect(nextTick(daily, from)?.toISOString()).toBe("2026-03-29T01:00:00.000Z");
  });
});

/** Checks every minute, as a scheduler does. */
function ticksOf(of: { cron: string; timezone: string }, from: string, to: string): string[] {
  const ticks: string[] = [];
  for (let time = Date.parse(from); time < Date.parse(to); time += 60_000) {
    if (isTick(of, new Date(time))) ticks.push(new Date(time).toISOString());
  }
  return ticks;
}

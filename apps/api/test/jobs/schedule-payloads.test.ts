import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { createQStashDev } from "@orbit/qstash-dev";
import { createJobs } from "#src/jobs/application/create-jobs.ts";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { JobProvider } from "#src/jobs/application/job-provider.ts";
import { buildJobs, inFeature } from "#src/jobs/application/job-registry.ts";
import { memory } from "#src/jobs/infrastructure/memory/memory-provider.ts";
import { noop } from "#src/jobs/infrastructure/noop/noop-provider.ts";
import { qstash } from "#src/jobs/infrastructure/qstash/qstash-provider.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { providers } from "../../dev/contract/provider-table.ts";
import { bindProvider } from "../support/bind-provider.ts";
import { qstashOptions } from "../support/qstash-options.ts";
import { silentLog } from "../support/silent-log.ts";

const job = contractJob("contract.work", async () => undefined, {
  schedule: { cron: "0 4 * * *", payload: 0 },
});

const hours = z.object({ olderThanHours: z.number() });

function scheduled(payload: unknown, schema: unknown): JobDefinition {
  const change: object = { schema, schedule: { ...job.schedule, payload } };
  return { ...job, ...change };
}

describe("buildJobs reports the payload of a schedule that", () => {
  test.each<[string, unknown, unknown, string]>([
    ["zod refuses", { olderThanHours: "1" }, hours, "refuses: olderThanHours: Invalid input"],
    ["valibot refuses", {}, v.object({ olderThanHours: v.number() }), "refuses: olderThanHours: "],
    ["arktype refuses", { n: "1" }, type({ n: "number" }), "refuses: n: n must be a number"],
    ["is missing", undefined, hours, "JSON cannot carry"],
    [
      "has several faults",
      { a: 1 },
      z.object({ a: z.string(), b: z.string() }),
      "a: Invalid input",
    ],
    // The schema sees the payload after JSON, which turns a Date into text and NaN into null.
    ["is another after JSON", { at: new Date(0) }, z.object({ at: z.date() }), "refuses: at: "],
    ["has no number after JSON", { n: Number.NaN }, z.object({ n: z.number() }), "refuses: n: "],
    ["JSON cannot carry", { n: 1n }, undefined, "cannot be checked: Do not know how to serialize"],
    ["is a function", () => 1, undefined, "JSON cannot carry"],
    [
      "makes its schema throw",
      {},
      {
        "~standard": {
          version: 1,
          vendor: "test",
          validate: () => {
            throw new Error("no");
          },
        },
      },
      "cannot be checked: no",
    ],
  ])("%s", (_title, payload, schema, message) => {
    const build = () => buildJobs(inFeature("invoices", [scheduled(payload, schema)]));
    expect(build).toThrow(message);
    expect(build).toThrow('job "contract.work" of feature "invoices" has a schedule');
  });

  test("but accepts a payload that fits its schema", () => {
    expect(buildJobs([scheduled({ olderThanHours: 1 }, hours)])).toHaveLength(1);
  });
});

describe("with an asynchronous schema the start reports it,", () => {
  const slowly = hours.refine(async ({ olderThanHours }) => olderThanHours > 0, "must be positive");
  const all: readonly JobProvider[] = [...Object.values(providers), noop()];
  const jobsOf = (provider: JobProvider, payload: unknown, schema: unknown = slowly) =>
    createJobs({
      provider,
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler uses no core
      core: {} as OrbitJobs.Core,
      jobs: () => inFeature("invoices", [scheduled(payload, schema)]),
      sql: { query: () => Promise.reject(new Error("This test has no database.")) },
      log: silentLog,
    });

  test.each(all)("on $name", async (provider) => {
    const { runtime } = jobsOf(provider, { olderThanHours: -1 });
    const message =
      '- job "contract.work" of feature "invoices" has a schedule whose payload its schema refuses: must be positive';
    await expect(runtime.start()).rejects.toThrow(message);
    // A second start reports it again.
    await expect(runtime.start()).rejects.toThrow(message);
    await runtime.stop();
  });

  test("and so does a sync of QStash's schedules, before it writes any", async () => {
    const dev = createQStashDev({ log: () => undefined });
    onTestFinished(() => dev.close());
    const provider = qstash(qstashOptions(await dev.start()));
    await bindProvider(provider, [job]).syncSchedules?.();
    const { syncSchedules } = jobsOf(provider, { olderThanHours: -1 });
    await expect(syncSchedules?.()).rejects.toThrow("must be positive");
    const { created } = (await jobsOf(provider, { olderThanHours: 1 }).syncSchedules?.()) ?? {};
    expect(created).not.toContain("orbit_tests_contract.work");
  });

  test("and a payload that fits the schema is accepted", async () => {
    const { runtime } = jobsOf(memory(), { olderThanHours: 1 });
    await runtime.start();
    expect(runtime.connected).toBe(true);
    await runtime.stop();
    expect(runtime.connected).toBe(false);
  });

  test("and a stop during the check ends the start", async () => {
    const answer = Promise.withResolvers<{ value: unknown }>();
    const schema = { "~standard": { version: 1, vendor: "test", validate: () => answer.promise } };
    const { runtime } = jobsOf(memory(), 1, schema);
    const started = runtime.start();
    await runtime.stop();
    answer.resolve({ value: 1 });
    await started;
    expect(runtime.connected).toBe(false);
    await runtime.start();
    expect(runtime.connected).toBe(true);
    await runtime.stop();
  });

  test("also if it rejects", async () => {
    const validate = () => Promise.reject(new Error("no connection"));
    const failing = { "~standard": { version: 1, vendor: "test", validate } };
    await expect(jobsOf(memory(), { olderThanHours: 1 }, failing).runtime.start()).rejects.toThrow(
      "has a schedule whose payload cannot be checked: no connection",
    );
  });
});

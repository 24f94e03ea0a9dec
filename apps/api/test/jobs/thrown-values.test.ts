import { Writable } from "node:stream";
import * as fc from "fast-check";
import { pino } from "pino";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { isPermanentJobError, PermanentJobError } from "#src/jobs/application/job-errors.ts";
import { runJob } from "#src/jobs/application/run-job.ts";
import { safeError } from "#src/jobs/application/safe-error.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { work } from "#src/jobs/testing/case-steps.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { startTestApp } from "../support/app.ts";
import { graphileHarness } from "../support/graphile-harness.ts";
import { memoryHarness } from "../support/memory-harness.ts";
import { qstashHarness } from "../support/qstash-harness.ts";
import { isPermanent, makeThrown, thrownValue } from "../support/thrown-values.ts";

// Every run throws the same values. `FUZZ_SEED=7 FUZZ_RUNS=500 npm test -- thrown-values` throws others.

const seed = Number(process.env["FUZZ_SEED"] ?? 20_261_124);
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 40);
process.stdout.write(`thrown values: FUZZ_SEED=${seed} FUZZ_RUNS=${RUNS}\n`);

/** A user's logger, whose serialisers read everything and write to some of it. */
const log = pino({ level: "debug" }, new Writable({ write: (_chunk, _encoding, done) => done() }));

describe.each([graphileHarness, qstashHarness, memoryHarness])("$provider.name", (harness) => {
  test("whatever is thrown, each job ends as it should, and its neighbour goes on", async () => {
    const thrown = fc.sample(thrownValue, { seed, numRuns: RUNS });
    const end = Promise.withResolvers<void>();
    onTestFinished(() => end.resolve());
    const runs: number[] = [];
    const neighbour = { runs: 0, aborted: false };
    const failing = contractJob("contract.work", async (payload) => {
      const index = Number(payload);
      const value = thrown[index];
      runs[index] = (runs[index] ?? 0) + 1;
      // oxlint-disable-next-line typescript/only-throw-error -- handlers do
      throw value && makeThrown(value);
    });
    const waiting = contractJob("contract.other", async (_payload, { signal }) => {
      neighbour.runs += 1;
      await end.promise;
      neighbour.aborted = signal.aborted;
    });
    const world = await harness.open([failing, waiting]);
    onTestFinished(() => world.close());
    await work(world, { concurrency: 4, log });
    await world.queue.enqueue("contract.other", 0);
    await eventually("the neighbour runs", async () => neighbour.runs === 1);
    for (const index of thrown.keys()) {
      await world.queue.enqueue("contract.work", index, { maxAttempts: 2 });
    }
    await eventually("every job is dead", async () => {
      await world.elapse(10);
      return (await world.deadJobs()).length === thrown.length;
    });
    const expected = thrown.map((value) => ({ value, runs: isPermanent(value) ? 1 : 2 }));
    expect(thrown.map((value, index) => ({ value, runs: runs[index] }))).toEqual(expected);
    for (const { lastError } of await world.deadJobs()) {
      expect(lastError.length).toBeLessThanOrEqual(10_000);
      expect(lastError.isWellFormed()).toBe(true);
    }
    end.resolve();
    await eventually("the neighbour is done", async () => (await world.pendingCount()) === 0);
    expect(neighbour).toEqual({ runs: 1, aborted: false });
  });
});

test("the copy of an error can be frozen, logged and cloned, and keeps its causes and plain fields", () => {
  fc.assert(
    fc.property(thrownValue, (value) => {
      // Outside of a run nothing catches the rejection of a promise that cannot be read.
      fc.pre(!value.base.includes("promise"));
      const copy = safeError(makeThrown(value));
      expect(copy).toBeInstanceOf(Error);
      expect(() => JSON.stringify(copy)).not.toThrow();
      expect(() => structuredClone(copy)).not.toThrow();
      expect(() => log.error({ err: copy }, "copied")).not.toThrow();
      expect(safeError(copy)).toEqual(copy);
    }),
    { seed, numRuns: RUNS * 2 },
  );
  const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED", socket: {} });
  const copy = safeError(Object.freeze(new TypeError("no answer", { cause })));
  expect(copy).toMatchObject({ name: "TypeError", message: "no answer" });
  expect(copy.stack).toMatch(/TypeError: no answer\n/);
  expect(copy.cause).toMatchObject({ message: "refused", code: "ECONNREFUSED" });
  expect(copy.cause).not.toHaveProperty("socket");
});

test.each([
  ["a buffer", () => new Uint8Array(50_000_000), /^\[object Uint8Array\] of 50000000 bytes$/],
  ["an array", () => Array.from({ length: 5_000_000 }, () => "text"), /^text,text,.*5000000 items/],
  ["a nested array", () => [Array.from({ length: 5_000_000 }, () => "text")], /^\[object Array\]$/],
  ["a boxed string", () => new Object("x".repeat(20_000_000)), /^x{10000}$/],
  ["a short array", () => ["a", 1, null], /^a,1,null$/],
])("%s is copied at once, whatever its size", (_what, make, message) => {
  const thrown = make();
  const began = performance.now();
  expect(safeError(thrown).message).toMatch(message);
  expect(performance.now() - began).toBeLessThan(100);
});

test("a frozen error is logged in full, also by a log that writes to errors", async () => {
  const lines: string[] = [];
  const sink = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(line.toString());
      done();
    },
  });
  const job = contractJob("contract.work", () => {
    // oxlint-disable-next-line typescript/only-throw-error -- the type of a frozen error is not one
    throw Object.freeze(new PermanentJobError("never"));
  });
  const outcome = await runJob(job, {
    jobId: "1",
    attempt: 1,
    maxAttempts: 3,
    payload: 1,
    version: 1,
    signal: new AbortController().signal,
    log: pino(sink),
  });
  expect(outcome).toMatchObject({ status: "dead", reason: "permanent" });
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    msg: "job is dead",
    job: "contract.work",
    err: { message: "never", stack: expect.stringContaining("thrown-values.test") as unknown },
  });
});

test("a PermanentJobError of another copy of the module is permanent", async () => {
  const path = "../../src/jobs/application/job-errors.ts?second";
  const second = z.object({ PermanentJobError: z.custom<typeof PermanentJobError>() });
  const other = second.parse(await import(path));
  const error = new other.PermanentJobError("never");
  expect(error).not.toBeInstanceOf(PermanentJobError);
  expect(isPermanentJobError(error)).toBe(true);
  expect(isPermanentJobError({ name: "PermanentJobError" })).toBe(false);
});

test("a transaction rejects with what its work threw, also where its causes form a cycle", async () => {
  const app = await startTestApp();
  onTestFinished(() => app.close());
  const error = new PermanentJobError("never");
  error.cause = new Error("between", { cause: error });
  const failing = app.container.jobs.core.uow.run(() => Promise.reject(Object.freeze(error)));
  await expect(failing).rejects.toBe(error);
});

import { describe, expect, test } from "vitest";
import { backOffMs } from "#src/jobs/application/back-off.ts";
import { PermanentJobError } from "#src/jobs/application/job-errors.ts";
import { inlineJobQueue } from "#src/jobs/testing/inline-job-queue.ts";
import { inMemoryJobs } from "#src/jobs/testing/in-memory-jobs.ts";
import "#src/jobs/testing/matchers.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { helperJobs } from "../support/helper-jobs.ts";

const boom = new Error("boom");
const later = () => new Date(Date.now() + 60_000);

describe("inlineJobQueue", () => {
  test("runs each job, and the jobs that it enqueues, before enqueue resolves", async () => {
    const mails: string[] = [];
    const queue = inlineJobQueue((self) => helperJobs(self, ({ to }) => void mails.push(to)));
    await queue.enqueue("helpers.fan-out", { count: 2 });
    expect(mails).toEqual(["user 1", "user 2"]);
    await queue.enqueueMany([
      { name: "helpers.mail", payload: { to: "ann" }, options: { jobKey: "same" } },
      { name: "helpers.mail", payload: { to: "ben" }, options: { jobKey: "same" } },
    ]);
    expect(mails.slice(2)).toEqual(["ann", "ben"]);
    expect(queue.records.map(({ name }) => name).slice(0, 2)).toEqual([
      "helpers.fan-out",
      "helpers.mail",
    ]);
    expect(queue).toHaveEnqueued("helpers.mail", { to: "user 2" });
  });

  test("rejects with the handler's own error, also through a job in between", async () => {
    const queue = inlineJobQueue((self) =>
      helperJobs(self, () => {
        throw boom;
      }),
    );
    await expect(queue.enqueue("helpers.mail", { to: "ann" })).rejects.toBe(boom);
    await expect(queue.enqueue("helpers.fan-out", { count: 1 })).rejects.toBe(boom);
  });

  test("checks all jobs before it runs any", async () => {
    const mails: unknown[] = [];
    const queue = inlineJobQueue((self) => helperJobs(self, (mail) => void mails.push(mail)));
    const many = queue.enqueueMany([
      { name: "helpers.mail", payload: { to: "ann" } },
      { name: "helpers.mail", payload: { to: "" } },
    ]);
    await expect(many).rejects.toMatchObject({ code: "jobs.invalid_payload" });
    expect(mails).toEqual([]);
  });

  test("refuses a runAt in the future, unless it is to be ignored", async () => {
    const refusing = inlineJobQueue(helperJobs);
    const refused = refusing.enqueue("helpers.mail", { to: "ann" }, { runAt: later() });
    await expect(refused).rejects.toThrow(/inMemoryJobs.*ignoreRunAt/);
    await refusing.enqueue("helpers.mail", { to: "ann" }, { runAt: new Date(0) });
    const mails: unknown[] = [];
    const queue = inlineJobQueue((self) => helperJobs(self, (mail) => void mails.push(mail)), {
      ignoreRunAt: true,
    });
    await queue.enqueue("helpers.mail", { to: "ann" }, { runAt: later() });
    expect(mails).toEqual([{ to: "ann" }]);
  });

  test("ends endless nesting, but allows many jobs side by side", async () => {
    const queue = inlineJobQueue(helperJobs, { maxDepth: 10 });
    await expect(queue.enqueue("helpers.for-ever", {})).rejects.toThrow(
      /nest more than 10 deep .*helpers\.for-ever > helpers\.for-ever.*itself for ever/,
    );
    const many = Array.from({ length: 50 }, (_, n) =>
      queue.enqueue("helpers.mail", { to: `user ${n}` }),
    );
    await expect(Promise.all(many)).resolves.toHaveLength(50);
  });
});

describe("inMemoryJobs", () => {
  test("drain runs due jobs and the jobs that they enqueue, and returns the runs", async () => {
    const jobs = inMemoryJobs((queue) => helperJobs(queue));
    await jobs.queue.enqueue("helpers.fan-out", { count: 2 });
    await jobs.queue.enqueue("helpers.mail", { to: "later" }, { runAt: later(), jobKey: "1" });
    await jobs.queue.enqueue("helpers.mail", { to: "absorbed" }, { jobKey: "1" });
    const runs = await jobs.drain();
    const ok = { attempt: 1, outcome: "succeeded", error: undefined };
    expect(runs).toMatchObject([
      { name: "helpers.fan-out", payload: { count: 2 }, ...ok },
      { name: "helpers.mail", payload: { to: "user 1" }, ...ok },
      { name: "helpers.mail", payload: { to: "user 2" }, ...ok },
    ]);
    expect(jobs.pending).toMatchObject([{ payload: { to: "later" }, attempts: 0, maxAttempts: 2 }]);
    expect(await jobs.drain()).toEqual([]);
    jobs.advance(61);
    expect(await jobs.drain()).toMatchObject([{ payload: { to: "later" } }]);
    expect(jobs.queue).toHaveEnqueued("helpers.mail", { to: "absorbed" });
  });

  test("drain rejects with every failure, after everything has run", async () => {
    const jobs = inMemoryJobs((queue) =>
      helperJobs(queue, ({ to }) => {
        if (to !== "ben") throw to === "ann" ? boom : new PermanentJobError("gone");
      }),
    );
    for (const to of ["ann", "ben", "cleo"]) await jobs.queue.enqueue("helpers.mail", { to });
    const error: unknown = await jobs.drain().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AggregateError);
    expect(error).toMatchObject({ cause: boom, errors: [boom, { message: "gone" }] });
    expect(String(error)).toMatch(/2 of 3 runs failed.*allowFailures/);
    expect(String(error)).toContain("- helpers.mail, attempt 1, failed: boom");
    expect(String(error)).toContain("- helpers.mail, attempt 1, dead: gone");
    expect(jobs.pending).toMatchObject([{ payload: { to: "ann" }, attempts: 1 }]);
    expect(jobs.dead).toMatchObject([{ payload: { to: "cleo" }, attempts: 1, lastError: "gone" }]);
  });

  test("a failed job waits for its back-off, and is dead after its last attempt", async () => {
    const jobs = inMemoryJobs(
      (queue) =>
        helperJobs(queue, () => {
          throw boom;
        }),
      { clock: { now: () => new Date(0) } },
    );
    const drain = () => jobs.drain({ allowFailures: true });
    await jobs.queue.enqueue("helpers.mail", { to: "ann" });
    expect(await drain()).toMatchObject([{ attempt: 1, outcome: "failed", error: boom }]);
    jobs.advance(backOffMs(1) / 1_000 - 0.1);
    expect(await drain()).toEqual([]);
    jobs.advance(0.2);
    expect(await drain()).toMatchObject([{ attempt: 2, outcome: "dead", error: boom }]);
    expect(jobs.dead).toMatchObject([{ name: "helpers.mail", attempts: 2, lastError: "boom" }]);
  });

  test("schedules tick as time is advanced, each tick once, however long", async () => {
    const clock = { now: () => new Date("2026-03-01T10:30:00Z") };
    const jobs = inMemoryJobs((queue) => helperJobs(queue), { clock });
    expect(await jobs.drain()).toEqual([]);
    jobs.advance(1_800);
    expect(await jobs.drain()).toMatchObject([{ name: "helpers.tick", payload: {} }]);
    jobs.advance(86_400);
    expect(jobs.pending[0]?.runAt).toEqual(new Date("2026-03-01T12:00:00Z"));
    expect(await jobs.drain()).toHaveLength(24);
    expect(jobs.clock.now()).toEqual(new Date("2026-03-02T11:00:00Z"));
    expect(() => jobs.advance(-1)).toThrow("time cannot advance by -1 seconds");
  });

  test("add answers with the id of the run, and with the id of the job that absorbed it", async () => {
    const jobs = inMemoryJobs((queue) => helperJobs(queue));
    const { id } = await jobs.queue.add("helpers.mail", { to: "ann" }, { jobKey: "k" });
    const absorbed = await jobs.queue.add("helpers.mail", { to: "ben" }, { jobKey: "k" });
    expect(absorbed).toEqual({ id, absorbed: true });
    expect(await jobs.drain()).toMatchObject([{ jobId: id, payload: { to: "ann" } }]);
    const next = await jobs.queue.add("helpers.mail", { to: "cleo" }, { jobKey: "k" });
    expect(next.absorbed).toBe(false);
    expect(jobs.pending).toMatchObject([{ jobId: next.id }]);
  });

  test("drain ends when a job enqueues itself for ever", async () => {
    const jobs = inMemoryJobs((queue) => helperJobs(queue));
    await jobs.queue.enqueue("helpers.for-ever", {});
    await expect(jobs.drain({ maxRuns: 20 })).rejects.toThrow(
      /has run 20 jobs.*helpers\.for-ever.*itself for ever/,
    );
    const exact = inMemoryJobs((queue) => helperJobs(queue));
    await exact.queue.enqueue("helpers.mail", { to: "ann" });
    expect(await exact.drain({ maxRuns: 1 })).toHaveLength(1);
  });

  test("a runtime works on the same jobs by itself", async () => {
    const mails: string[] = [];
    const jobs = inMemoryJobs((queue) => helperJobs(queue, ({ to }) => void mails.push(to)));
    const runtime = jobs.runtime();
    await runtime.start();
    await jobs.queue.enqueue("helpers.mail", { to: "ann" });
    await eventually("it ran", async () => mails.length === 1);
    await runtime.stop();
    await expect(jobs.queue.enqueue("helpers.mail", { to: "" })).rejects.toMatchObject({
      code: "jobs.invalid_payload",
    });
  });
});

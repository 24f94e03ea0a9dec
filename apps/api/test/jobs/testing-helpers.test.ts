import { stripVTControlCharacters } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { InvalidPayloadError } from "#src/jobs/application/job-errors.ts";
import type { JobContext } from "#src/jobs/application/job-definition.ts";
import "#src/jobs/testing/matchers.ts";
import { recordingJobQueue } from "#src/jobs/testing/recording-job-queue.ts";
import { runJobOnce } from "#src/jobs/testing/run-job-once.ts";
import { compile } from "../house/compile.ts";
import { helperJobs } from "../support/helper-jobs.ts";

/** The message of the failed assertion. */
function failureOf(assertion: () => void): string {
  try {
    assertion();
  } catch (error) {
    return stripVTControlCharacters(String(error));
  }
  throw new Error("the assertion held");
}

describe("recordingJobQueue", () => {
  test("records the name, payload and options of each call", async () => {
    const queue = recordingJobQueue(helperJobs);
    const mail = { to: "ann", tags: ["new"] };
    await queue.enqueue("helpers.mail", mail, { jobKey: "ann" });
    mail.tags.push("changed later");
    await queue.enqueueMany([
      { name: "helpers.fan-out", payload: { count: 2 } },
      { name: "helpers.mail", payload: { to: "ben" } },
    ]);
    expect(queue.records).toEqual([
      { name: "helpers.mail", payload: { to: "ann", tags: ["new"] }, options: { jobKey: "ann" } },
      { name: "helpers.fan-out", payload: { count: 2 }, options: {} },
      { name: "helpers.mail", payload: { to: "ben" }, options: {} },
    ]);
    const addressees: string[] = queue.enqueued("helpers.mail").map(({ to }) => to);
    expect(addressees).toEqual(["ann", "ben"]);
    queue.clear();
    expect(queue.records).toEqual([]);
  });

  test("refuses bad jobs as a provider does, and does not record them", async () => {
    const [mailJob] = helperJobs(recordingJobQueue());
    const queue = recordingJobQueue([mailJob], { maxPayloadBytes: 40 });
    const refusals = {
      "jobs.unknown_job": queue.enqueue("helpers.fan-out", { count: 1 }),
      "jobs.invalid_payload": queue.enqueue("helpers.mail", { to: "" }),
      "jobs.payload_too_large": queue.enqueue("helpers.mail", { to: "x".repeat(50) }),
      "jobs.invalid_options": queue.enqueue("helpers.mail", { to: "ann" }, { jobKey: "" }),
    };
    for (const [code, call] of Object.entries(refusals)) {
      await expect(call).rejects.toMatchObject({ code });
    }
    const many = queue.enqueueMany([
      { name: "helpers.mail", payload: { to: "ann" } },
      { name: "helpers.mail", payload: { to: "" } },
    ]);
    await expect(many).rejects.toMatchObject({ code: "jobs.invalid_payload" });
    expect(queue.records).toEqual([]);
  });

  test("add answers like a provider whose jobs wait, and records absorbed jobs", async () => {
    const queue = recordingJobQueue(helperJobs);
    const first = await queue.add("helpers.mail", { to: "ann" }, { jobKey: "k" });
    expect(first.id).toMatch(/^[\da-f-]{36}$/);
    expect(first.absorbed).toBe(false);
    const absorbed = await queue.add("helpers.mail", { to: "ben" }, { jobKey: "k" });
    expect(absorbed).toEqual({ id: first.id, absorbed: true });
    const other = await queue.add("helpers.mail", { to: "ben" });
    expect(other.absorbed).toBe(false);
    expect(other.id).not.toBe(first.id);
    expect(queue.enqueued("helpers.mail").map(({ to }) => to)).toEqual(["ann", "ben", "ben"]);
    await expect(queue.add("helpers.mail", { to: "" })).rejects.toThrow(/is wrong/);
    expect(queue.records).toHaveLength(3);
  });

  test("without definitions still refuses bad options", async () => {
    const queue = recordingJobQueue();
    await queue.enqueue("helpers.mail", { to: "" });
    const bad = queue.enqueue("helpers.mail", { to: "" }, { maxAttempts: 0 });
    await expect(bad).rejects.toMatchObject({ code: "jobs.invalid_options" });
    expect(queue.enqueued("helpers.mail")).toHaveLength(1);
  });
});

describe("toHaveEnqueued", () => {
  const runAt = new Date("2030-01-01T00:00:00Z");
  const aDate: { asymmetricMatch(other: unknown): boolean } = { asymmetricMatch: isDate };
  const queue = recordingJobQueue(helperJobs);
  beforeAll(async () => {
    const sender = { name: "Bea", age: 40 };
    await queue.enqueue("helpers.mail", { to: "ann", tags: ["a", "b"], sender }, { runAt });
    await queue.enqueue("helpers.fan-out", { count: 3 });
  });

  test("compares as toMatchObject does", () => {
    expect(queue).toHaveEnqueued("helpers.mail");
    expect(queue).toHaveEnqueued("helpers.mail", { to: "ann" });
    expect(queue).toHaveEnqueued("helpers.mail", { sender: { age: 40 } }, { runAt });
    expect(queue).toHaveEnqueued("helpers.mail", undefined, { runAt: aDate });
    expect(queue).not.toHaveEnqueued("helpers.mail", { tags: ["a"] });
    expect(queue).not.toHaveEnqueued("helpers.mail", { to: "ann" }, { jobKey: "1" });
    expect(queue).not.toHaveEnqueued("helpers.tick");
  });

  test("lists the jobs that were enqueued instead, the same name first", () => {
    const assertion = () => expect(queue).toHaveEnqueued("helpers.fan-out", { count: 4 });
    const message = failureOf(assertion);
    expect(message).toMatch(/expected to be enqueued:\s+helpers\.fan-out \{"count": 4\}/i);
    expect(message).toMatch(
      /accepted:\s+helpers\.fan-out \{"count": 3\}\s+helpers\.mail \{.*"ann"/,
    );
    expect(message).toContain("2030-01-01T00:00:00.000Z");
    const empty = failureOf(() => expect(recordingJobQueue()).toHaveEnqueued("helpers.mail"));
    expect(empty).toContain("Nothing was enqueued.");
  });

  test("says that the job must not be enqueued, or that nothing records jobs", () => {
    const message = failureOf(() => expect(queue).not.toHaveEnqueued("helpers.fan-out"));
    expect(message).toMatch(/not to be enqueued:\s+helpers\.fan-out/);
    const noQueue = failureOf(() => expect({}).toHaveEnqueued("helpers.mail"));
    expect(noQueue).toContain("needs a queue that records");
  });
});

describe("runJobOnce", () => {
  const seen: [unknown, JobContext][] = [];
  const boom = new Error("boom");
  const definitions = helperJobs(recordingJobQueue(), (mail, ctx) => {
    seen.push([mail, ctx]);
    if (mail.to === "boom") throw boom;
  });
  const mailJob = definitions[0];

  test("passes the payload after JSON, and the facts of the run", async () => {
    const payload = { to: "ann", tags: ["a"] };
    const aborted = AbortSignal.abort();
    await runJobOnce(mailJob, payload, { attempt: 2, jobId: "job-1", signal: aborted });
    const [mail, ctx] = seen.at(-1) ?? [];
    expect(mail).toEqual(payload);
    expect(mail).not.toBe(payload);
    expect(ctx).toMatchObject({ attempt: 2, maxAttempts: 2, jobId: "job-1" });
    expect(ctx?.signal.aborted).toBe(true);
  });

  test("throws the handler's error", async () => {
    await expect(runJobOnce(mailJob, { to: "boom" })).rejects.toBe(boom);
    await expect(runJobOnce(mailJob, { to: "" })).rejects.toBeInstanceOf(InvalidPayloadError);
  });

  test("upgrades a payload of an earlier version", async () => {
    await runJobOnce(mailJob, "ann@old", { version: 1 });
    expect(seen.at(-1)?.[0]).toEqual({ to: "ann@old" });
  });

  test.each<[unknown, string]>([
    [{ at: new Date(0) }, "at: JSON does not keep an instance of Date; send the string of toISO"],
    [{ list: [1, undefined] }, "list.1: JSON turns undefined into null"],
    [{ a: { n: Number.NaN } }, "a.n: JSON turns NaN into null"],
    [{ map: new Map() }, "map: JSON does not keep an instance of Map"],
    [
      { big: 1n, f: () => 1 },
      "big: JSON cannot carry a bigint; send a string; f: JSON cannot carry",
    ],
    [undefined, "JSON turns undefined"],
  ])("refuses %o, which JSON would change", async (payload, message) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what came past the compiler
    const call = runJobOnce(mailJob, payload as { to: string });
    await expect(call).rejects.toThrow(`The payload of job "helpers.mail" is wrong: ${message}`);
  });

  test("refuses an object that contains itself, and takes an undefined property", async () => {
    const loop: { to: string; self?: unknown } = { to: "ann", self: undefined };
    await runJobOnce(mailJob, loop);
    loop.self = loop;
    await expect(runJobOnce(mailJob, loop)).rejects.toThrow("self: JSON cannot carry an object");
  });
});

test("wrong names, payloads and options do not compile", async () => {
  const snippet = (code: string) => `
    import { expect } from "vitest";
    import "#src/jobs/testing/matchers.ts";
    import { recordingJobQueue } from "#src/jobs/testing/recording-job-queue.ts";
    import { runJobOnce } from "#src/jobs/testing/run-job-once.ts";
    import { sendReminderJob } from "#src/workspaces/jobs/send-reminder.job.ts";
    declare const core: OrbitJobs.Core;
    const queue = recordingJobQueue();
    ${code}`;
  const reminder = `"workspaces.invites.send-reminder"`;
  const errors = await compile("testing-helpers", {
    good: snippet(`expect(queue).toHaveEnqueued(${reminder}, { inviteId: expect.any(String) });
      expect(queue).not.toHaveEnqueued(${reminder}, {}, { runAt: expect.any(Date) });
      export const ids: string[] = queue.enqueued(${reminder}).map(({ inviteId }) => inviteId);
      export const done = runJobOnce(sendReminderJob(core), { inviteId: "1" }, { attempt: 2 });`),
    name: snippet(`expect(queue).toHaveEnqueued("workspaces.invites.send-remainder");`),
    type: snippet(`expect(queue).toHaveEnqueued(${reminder}, { inviteId: 1 });`),
    field: snippet(`expect(queue).toHaveEnqueued(${reminder}, { inviteIds: "1" });`),
    option: snippet(`expect(queue).toHaveEnqueued(${reminder}, {}, { runsAt: new Date() });`),
    once: snippet(`export const done = runJobOnce(sendReminderJob(core), { olderThanHours: 1 });`),
  });
  expect(errors.get("good")).toBe("");
  expect(errors.get("name")).toContain("send-remainder");
  expect(errors.get("type")).toContain("number");
  expect(errors.get("field")).toContain("inviteIds");
  expect(errors.get("option")).toContain("runsAt");
  expect(errors.get("once")).toContain("olderThanHours");
});

function isDate(value: unknown): boolean {
  return value instanceof Date;
}

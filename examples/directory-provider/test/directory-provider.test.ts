import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe } from "#src/jobs/testing/probe.ts";
import { silentLog } from "#src/jobs/testing/helper-defaults.ts";
import { directoryFromEnv } from "../src/directory-provider.ts";
import type { JobDirectory } from "../src/job-files.ts";
import { bindDirectory, countPending, listJobs, temporaryDirectory } from "./directory-harness.ts";

const attempts = createProbe<number>();
const job = contractJob("contract.work", async (_payload, { attempt }) => attempts.report(attempt));

const noSql = { query: () => Promise.reject(new Error("This test has no database.")) };

let root: string;
let folders: JobDirectory;

beforeEach(async () => {
  ({ root, folders } = await temporaryDirectory());
});

afterEach(() => rm(root, { recursive: true }));

test("without JOBS_DIRECTORY the provider reports what is missing", () => {
  const missing = { concurrency: undefined, databaseUrl: undefined, workerDatabaseUrl: undefined };
  expect(directoryFromEnv({ env: {}, ...missing })).toEqual({
    ok: false,
    problems: ["JOBS_DIRECTORY must be the path of a directory on a local disk, for the jobs."],
  });
  const set = directoryFromEnv({ env: { JOBS_DIRECTORY: root }, ...missing });
  expect(set).toMatchObject({ ok: true, provider: { name: "directory" } });
});

test("a missing folder makes the provider unavailable", async () => {
  await rm(folders.drafts, { recursive: true });
  const unavailable = { code: "jobs.provider_unavailable", status: 503 };
  await expect(bindDirectory(root, [job]).queue.enqueue("contract.work", 1)).rejects.toMatchObject(
    unavailable,
  );
});

test("a file in place of a folder is refused, since trying again cannot help", async () => {
  await rm(folders.drafts, { recursive: true });
  await writeFile(folders.drafts, "");
  const { queue, deadJobs } = bindDirectory(root, [job]);
  const refused = { code: "jobs.provider_rejected", status: 502 };
  await expect(queue.enqueue("contract.work", 1)).rejects.toMatchObject(refused);
  await rm(folders.dead, { recursive: true });
  await writeFile(folders.dead, "");
  await expect(deadJobs.list(1)).rejects.toMatchObject(refused);
});

test("a start that cannot use the disk rejects", async () => {
  await rm(root, { recursive: true });
  await writeFile(root, "");
  const { runtime } = bindDirectory(root, [job]);
  await expect(runtime.start()).rejects.toMatchObject({ code: "jobs.provider_rejected" });
  expect(runtime.connected).toBe(false);
});

test("a disk error during a claim loses no job and counts no attempt", async () => {
  const errors = createProbe<string>();
  const log = { ...silentLog, error: (_fields: object, text: string) => errors.report(text) };
  let now = new Date();
  const clock = { now: () => now };
  const { queue, runtime } = bindDirectory(root, [job], { log, clock });
  await queue.enqueue("contract.work", 1, { runAt: new Date(now.getTime() + 60_000) });
  await runtime.start();
  try {
    await rm(folders.drafts, { recursive: true });
    now = new Date(now.getTime() + 60_000);
    expect(await errors.next()).toBe("directory not readable, trying again");
    await mkdir(folders.drafts);
    expect(await attempts.next()).toBe(1);
  } finally {
    await runtime.stop();
  }
});

test("a worker that is alive makes each tick, whatever the back-fill", async () => {
  const ticks = createProbe<string>();
  const schedule = { cron: "* * * * *", payload: "tick", backfill: 0 };
  const scheduled = contractJob("contract.work", async () => ticks.report("tick"), { schedule });
  let now = new Date("2026-07-01T12:00:30Z");
  const workers = [0, 1].map(() => bindDirectory(root, [scheduled], { clock: { now: () => now } }));
  await Promise.all(workers.map(({ runtime }) => runtime.start()));
  try {
    for (const minute of ["12:01", "12:02", "12:03"]) {
      now = new Date(`2026-07-01T${minute}:00.100Z`);
      expect(await ticks.next()).toBe("tick");
    }
  } finally {
    await Promise.all(workers.map(({ runtime }) => runtime.stop()));
  }
  expect(await countPending(folders)).toBe(0);
  expect(ticks.unread).toEqual([]);
});

describe("a job that is enqueued in a transaction", () => {
  test("is stored after the commit, and not after a rollback", async () => {
    const { in: inTransaction } = bindDirectory(root, [job]);
    const rolledBack = inTransaction(noSql);
    await rolledBack.enqueue("contract.work", 1);
    rolledBack.ended();
    await expect(rolledBack.enqueue("contract.work", 2)).rejects.toThrow(/transaction/);
    const committed = inTransaction(noSql);
    await committed.enqueue("contract.work", 3);
    expect(await listJobs(folders.waiting)).toEqual([]);
    committed.ended();
    await committed.committed();
    expect(await listJobs(folders.waiting)).toMatchObject([{ payload: 3 }]);
  });

  test("is named in the log if the disk refuses it after the commit", async () => {
    const errors = createProbe<object>();
    const log = { ...silentLog, error: (fields: object) => errors.report(fields) };
    const transaction = bindDirectory(root, [job], { log }).in(noSql);
    await transaction.enqueue("contract.work", 1);
    await rm(folders.drafts, { recursive: true });
    await transaction.committed();
    expect(await errors.next()).toMatchObject({ jobs: ["contract.work"] });
  });
});

test("buildJobs refuses a job that asks for priority, with the reason", () => {
  const urgent: JobDefinition = { ...job, priority: 1 };
  expect(() => bindDirectory(root, [urgent])).toThrow(
    /priority which the provider directory does not support: A worker takes the first due file/,
  );
});

test("the contract runs without a test framework, topic by topic", async () => {
  const script = fileURLToPath(new URL("contract.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, "refusals", "priority"]);
  expect(stdout).toContain("passed: refusals: bad options are refused");
  expect(stdout).toMatch(/^skipped: priority: .*\(A worker takes the first due file .*\)$/m);
});

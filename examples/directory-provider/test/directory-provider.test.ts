import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import type { JobLogger } from "#src/jobs/application/ports.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe } from "#src/jobs/testing/probe.ts";
import { systemClock } from "#src/jobs/application/ports.ts";
import { directoryQueue } from "../src/directory-job-queue.ts";
import { DirectoryJobRuntime } from "../src/directory-job-runtime.ts";
import { directorySupport } from "../src/directory-support.ts";
import { type JobDirectory, prepareDirectory } from "../src/job-directory.ts";
import { silentLog } from "./silent-log.ts";

const attempts = createProbe<number>();
const registry = buildJobs([
  contractJob("contract.work", async (_payload, { attempt }) => attempts.report(attempt)),
]);

let root: string;
let directory: JobDirectory;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "orbit-directory-"));
  directory = await prepareDirectory(root);
});

afterEach(() => rm(root, { recursive: true }));

const enqueue = () =>
  directoryQueue(registry, {
    directory,
    clock: systemClock,
    maxPayloadBytes: 1_000,
  }).enqueue("contract.work", 1);

const runtimeOf = (log: JobLogger) =>
  new DirectoryJobRuntime(registry, {
    directory,
    clock: systemClock,
    concurrency: 1,
    shutdownGraceMs: 0,
    log,
  });

test("a disk that is not there is a provider that cannot be reached", async () => {
  await rm(directory.drafts, { recursive: true });
  await rm(directory.running, { recursive: true });
  const unavailable = { code: "jobs.provider_unavailable", status: 503 };
  await expect(enqueue()).rejects.toMatchObject(unavailable);
  await expect(runtimeOf(silentLog).start()).rejects.toMatchObject(unavailable);
});

test("what is no directory is a refusal, that trying again does not mend", async () => {
  await rm(directory.drafts, { recursive: true });
  await writeFile(directory.drafts, "");
  await expect(enqueue()).rejects.toMatchObject({ code: "jobs.provider_rejected", status: 502 });
});

test("a disk that fails in the middle of a claim loses nothing, and that is no attempt", async () => {
  const errors = createProbe<string>();
  const runtime = runtimeOf({ ...silentLog, error: (_fields, text) => errors.report(text) });
  await enqueue();
  await rm(directory.drafts, { recursive: true });
  await runtime.start();
  try {
    expect(await errors.next()).toBe("a look at the directory failed");
    await mkdir(directory.drafts);
    expect(await attempts.next()).toBe(1);
  } finally {
    await runtime.stop();
  }
});

test("a schedule is refused when the registry is built, with the reason", () => {
  const schedule = { cron: "* * * * *", payload: 0 };
  const scheduled = contractJob("contract.work", async () => undefined, { schedule });
  expect(() => buildJobs([scheduled], directorySupport)).toThrow(
    /a schedule which the provider directory cannot give: The example keeps no record/,
  );
});

test("the contract runs without a test framework, topic by topic", async () => {
  const script = fileURLToPath(new URL("contract.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, "refusals", "priority"]);
  expect(stdout).toContain("passed: refusals: bad options are refused");
  expect(stdout).toMatch(/^skipped: priority: .*\(A look at the directory .*\)$/m);
});

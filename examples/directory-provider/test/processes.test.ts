import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { JsonValue } from "#src/jobs/application/job-types.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe, eventually, type Probe } from "#src/jobs/testing/probe.ts";
import { systemClock } from "#src/jobs/application/ports.ts";
import type { BulkJobQueue } from "#src/jobs/application/job-queue.ts";
import { directoryQueue } from "../src/directory-job-queue.ts";
import { DirectoryJobRuntime } from "../src/directory-job-runtime.ts";
import { type JobDirectory, prepareDirectory } from "../src/job-directory.ts";
import { countPending } from "../src/list-jobs.ts";
import { silentLog } from "./silent-log.ts";

const WORKER = fileURLToPath(new URL("worker-process.ts", import.meta.url));

let root: string;
let directory: JobDirectory;
const workers = new Set<ChildProcess>();

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "orbit-directory-"));
  directory = await prepareDirectory(root);
});

afterEach(async () => {
  await Promise.all([...workers].map(kill));
  await rm(root, { recursive: true });
});

/** A process of its own that works; what it runs is reported. */
function startWorker(runs: Probe<string>): ChildProcess {
  const stdio: ["ignore", "pipe", "inherit"] = ["ignore", "pipe", "inherit"];
  const worker = spawn(process.execPath, [WORKER, root], { stdio });
  createInterface(worker.stdout).on("line", runs.report);
  workers.add(worker);
  return worker;
}

function kill(worker: ChildProcess): Promise<void> {
  workers.delete(worker);
  if (worker.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    worker.once("exit", () => resolve());
    worker.kill("SIGKILL");
  });
}

function queueOf(job: ReturnType<typeof contractJob>): BulkJobQueue {
  const options = { directory, clock: systemClock, maxPayloadBytes: 1_000 };
  return directoryQueue(buildJobs([job]), options);
}

test("the job of a process that was killed runs in another", async () => {
  const begun = createProbe<string>();
  const runs = createProbe<JsonValue>();
  const job = contractJob("contract.work", async (payload, { attempt }) => {
    runs.report([payload, attempt]);
  });
  const worker = startWorker(begun);
  await queueOf(job).enqueue("contract.work", "hangs", { jobKey: "k" });
  expect(await begun.next()).toBe('"hangs"');
  const concurrency = 2;
  const options = { directory, clock: systemClock, concurrency, shutdownGraceMs: 100 };
  const runtime = new DirectoryJobRuntime(buildJobs([job]), { ...options, log: silentLog });
  await runtime.start();
  try {
    await kill(worker);
    expect(await runs.next()).toEqual(["hangs", 2]);
    await eventually("it is done", async () => (await countPending(directory)) === 0);
  } finally {
    await runtime.stop();
  }
});

test("processes share the work: each job runs once", async () => {
  const runs = createProbe<string>();
  const job = contractJob("contract.work", async () => undefined);
  for (let started = 0; started < 3; started++) startWorker(runs);
  await queueOf(job).enqueueMany(
    Array.from({ length: 60 }, (_, payload) => ({ name: "contract.work", payload })),
  );
  const seen = new Set<string>();
  for (let run = 0; run < 60; run++) seen.add(await runs.next());
  await eventually("all is done", async () => (await countPending(directory)) === 0);
  expect(seen.size).toBe(60);
  expect(runs.unread).toEqual([]);
});

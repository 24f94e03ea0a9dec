import { type ChildProcess, spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { JsonValue } from "#src/jobs/application/job-types.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe, eventually, type Probe } from "#src/jobs/testing/probe.ts";
import type { JobDirectory } from "../src/job-files.ts";
import { bindDirectory, countPending, temporaryDirectory } from "./directory-harness.ts";

const WORKER = fileURLToPath(new URL("worker-process.ts", import.meta.url));

let root: string;
let folders: JobDirectory;
const workers = new Set<ChildProcess>();

beforeEach(async () => {
  ({ root, folders } = await temporaryDirectory());
});

afterEach(async () => {
  await Promise.all([...workers].map(kill));
  await rm(root, { recursive: true });
});

/** Starts a worker as a separate process. `runs` receives a line per run. */
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

test("the job of a killed process runs in another process", async () => {
  const begun = createProbe<string>();
  const runs = createProbe<JsonValue>();
  const job = contractJob("contract.work", async (payload, { attempt }) => {
    runs.report([payload, attempt]);
  });
  const worker = startWorker(begun);
  const { queue, runtime } = bindDirectory(root, [job]);
  await queue.enqueue("contract.work", "hangs", { jobKey: "k" });
  expect(await begun.next()).toBe('"hangs"');
  await runtime.start();
  try {
    await kill(worker);
    expect(await runs.next()).toEqual(["hangs", 2]);
    await eventually("the job is done", async () => (await countPending(folders)) === 0);
  } finally {
    await runtime.stop();
  }
});

test("three processes run each job once", async () => {
  const runs = createProbe<string>();
  const job = contractJob("contract.work", async () => undefined);
  for (let started = 0; started < 3; started++) startWorker(runs);
  await bindDirectory(root, [job]).queue.enqueueMany(
    Array.from({ length: 60 }, (_, payload) => ({ name: "contract.work", payload })),
  );
  const seen = new Set<string>();
  for (let run = 0; run < 60; run++) seen.add(await runs.next());
  await eventually("all jobs are done", async () => (await countPending(folders)) === 0);
  expect(seen.size).toBe(60);
  expect(runs.unread).toEqual([]);
});

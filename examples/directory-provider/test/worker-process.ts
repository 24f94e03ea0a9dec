import { systemClock } from "#src/jobs/application/ports.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { DirectoryJobRuntime } from "../src/directory-job-runtime.ts";
import { prepareDirectory } from "../src/job-directory.ts";
import { silentLog } from "./silent-log.ts";

// A process that works on the directory it is given, writes a line for each run and never ends "hangs".

const [, , root = ""] = process.argv;

const job = contractJob("contract.work", async (payload) => {
  process.stdout.write(`${JSON.stringify(payload)}\n`);
  if (payload === "hangs") await new Promise(() => undefined);
});

await new DirectoryJobRuntime(buildJobs([job]), {
  directory: await prepareDirectory(root),
  clock: systemClock,
  concurrency: 2,
  shutdownGraceMs: 100,
  log: silentLog,
}).start();

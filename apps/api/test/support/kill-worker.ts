import { Pool } from "pg";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { GraphileJobRuntime } from "#src/jobs/infrastructure/graphile/graphile-job-runtime.ts";
import { ledgerJob } from "./ledger-job.ts";
import { silentLog } from "./silent-log.ts";

// A worker to be killed, whose job has an effect that must happen once.
const connectionString = process.env["DATABASE_URL"] ?? "";

const runtime = new GraphileJobRuntime(buildJobs([ledgerJob(new Pool({ connectionString }))]), {
  connectionString,
  concurrency: 4,
  shutdownGraceMs: 0,
  log: silentLog,
});
await runtime.start();
process.stdout.write("started\n");

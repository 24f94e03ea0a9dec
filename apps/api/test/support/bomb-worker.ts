import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { GraphileJobRuntime } from "#src/jobs/infrastructure/graphile/graphile-job-runtime.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { silentLog } from "./silent-log.ts";

// A worker with one job that ends its process, whoever runs it, and one that does no harm.
const say = (text: string) => process.stdout.write(`${text}\n`);

const runtime = new GraphileJobRuntime(
  buildJobs([
    contractJob("contract.work", async (payload, { attempt }) => {
      say(`bomb ${attempt}`);
      if (payload === "kills") process.kill(process.pid, "SIGKILL");
      process.exit(1);
    }),
    contractJob("contract.other", async (payload, { attempt }) => {
      say(`neighbour ${JSON.stringify(payload)} ${attempt}`);
    }),
  ]),
  // One after another: nobody else is being run when a bomb goes off.
  {
    connectionString: process.env["DATABASE_URL"] ?? "",
    concurrency: 1,
    shutdownGraceMs: 0,
    log: silentLog,
  },
);
await runtime.start();
say("started");

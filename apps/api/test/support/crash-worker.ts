import { buildJobs } from "#/jobs/application/job-registry.ts";
import { GraphileJobRuntime } from "#/jobs/infrastructure/graphile/graphile-job-runtime.ts";
import { contractJob } from "#/jobs/testing/contract-jobs.ts";
import { silentLog } from "./silent-log.ts";

// A worker to be killed: it says when a run begins, and the run ends when the payload says so.
const say = (text: string) => process.stdout.write(`${text}\n`);

const runtime = new GraphileJobRuntime(
  buildJobs([
    contractJob("contract.work", async (payload, { attempt }) => {
      say(`begun ${JSON.stringify(payload)} ${attempt}`);
      if (payload === "hang") await new Promise(() => undefined);
      if (payload === "until-sigterm") {
        await new Promise((resolve) => process.once("SIGTERM", resolve));
      }
      say(`ended ${JSON.stringify(payload)} ${attempt}`);
    }),
  ]),
  {
    connectionString: process.env["DATABASE_URL"] ?? "",
    concurrency: Number(process.env["CONCURRENCY"] ?? 1),
    shutdownGraceMs: Number(process.env["GRACE_MS"] ?? 10_000),
    log: silentLog,
  },
);

process.on("SIGTERM", () => {
  void runtime.stop().then(() => process.exit(0));
});
await runtime.start();
say("started");

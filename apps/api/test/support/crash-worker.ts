import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { GraphileJobRuntime } from "#src/jobs/infrastructure/graphile/graphile-job-runtime.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { whenAborted } from "#src/jobs/testing/in-world.ts";
import { silentLog } from "./silent-log.ts";

// A worker to be killed: it says when a run begins, and the run ends when the payload says so.
const say = (text: string) => process.stdout.write(`${text}\n`);

const runtime = new GraphileJobRuntime(
  buildJobs([
    contractJob("contract.work", async (payload, ctx) => {
      const { attempt } = ctx;
      say(`begun ${JSON.stringify(payload)} ${attempt} at ${Date.now()}`);
      if (payload === "block") {
        const until = Date.now() + 5_000;
        while (Date.now() < until);
      }
      if (payload === "hang") await new Promise(() => undefined);
      if (payload === "until-sigterm") {
        await new Promise((resolve) => process.once("SIGTERM", resolve));
      }
      if (payload === "until-aborted") {
        await whenAborted(ctx);
        say(`aborted ${JSON.stringify(payload)} ${attempt} at ${Date.now()}`);
      }
      say(`ended ${JSON.stringify(payload)} ${attempt}`);
    }),
  ]),
  {
    connectionString: process.env["DATABASE_URL"] ?? "",
    concurrency: Number(process.env["CONCURRENCY"] ?? 1),
    shutdownGraceMs: Number(process.env["GRACE_MS"] ?? 10_000),
    log: { ...silentLog, warn: (_fields, message) => say(message) },
  },
);

process.on("SIGTERM", () => {
  void runtime.stop().then(() => process.exit(0));
});
await runtime.start();
say("started");

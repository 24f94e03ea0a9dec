import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { whenAborted } from "#src/jobs/testing/case-steps.ts";
import { graphileParts } from "./graphile-parts.ts";
import { silentLog } from "./silent-log.ts";

// A worker process that tests kill. It prints each begin and end of a run. The payload decides when a run ends.
const say = (text: string) => process.stdout.write(`${text}\n`);

const work = contractJob("contract.work", async (payload, ctx) => {
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
});

const { runtime } = graphileParts([work], {
  url: process.env["DATABASE_URL"] ?? "",
  concurrency: Number(process.env["CONCURRENCY"] ?? 1),
  shutdownGraceMs: Number(process.env["GRACE_MS"] ?? 10_000),
  log: { ...silentLog, warn: (_fields, message) => say(message) },
});

process.on("SIGTERM", () => {
  void runtime.stop().then(() => process.exit(0));
});
await runtime.start();
say("started");

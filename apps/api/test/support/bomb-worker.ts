import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { graphileParts } from "./graphile-parts.ts";

// A worker process with one job that ends its process and one that does no harm.
const say = (text: string) => process.stdout.write(`${text}\n`);

const bomb = contractJob("contract.work", async (payload, { attempt }) => {
  say(`bomb ${attempt}`);
  if (payload === "kills") process.kill(process.pid, "SIGKILL");
  process.exit(1);
});
const neighbour = contractJob("contract.other", async (payload, { attempt }) => {
  say(`neighbour ${JSON.stringify(payload)} ${attempt}`);
});

const { runtime } = graphileParts([bomb, neighbour], {
  url: process.env["DATABASE_URL"] ?? "",
  // No other job runs while a bomb goes off.
  concurrency: 1,
  shutdownGraceMs: 0,
});
await runtime.start();
say("started");

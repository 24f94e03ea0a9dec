import { qstashParts } from "./kill-qstash.ts";

// A process of an app on QStash. The test kills it while it does its task.
const role = process.argv[2] ?? "";
const parts = qstashParts({
  databaseUrl: process.env["DATABASE_URL"] ?? "",
  qstashUrl: process.env["QSTASH_URL"] ?? "",
  callbackUrl: process.env["CALLBACK_URL"] ?? "",
});

switch (role) {
  case "serve":
    process.stdout.write(`serves at ${await parts.serve()}\n`);
    break;
  case "enqueue":
    await parts.queue.enqueue("contract.work", "killed");
    break;
  case "enqueue-keyed":
    await parts.queue.enqueue("contract.work", "killed", { jobKey: "k" });
    break;
  case "transact":
    await parts.transaction(async (tx) => {
      await tx.jobs.enqueue("contract.work", "of a job");
      await tx.addEffect("of the transaction");
    });
    break;
  default:
    throw new Error(`There is no role ${role}.`);
}

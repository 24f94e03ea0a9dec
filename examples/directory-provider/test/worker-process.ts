import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { bindDirectory } from "./directory-harness.ts";

// A process that runs the jobs of the directory in its first argument. It prints one line per run, and
// never ends the job "hangs".

const [, , root = ""] = process.argv;

const job = contractJob("contract.work", async (payload) => {
  process.stdout.write(`${JSON.stringify(payload)}\n`);
  if (payload === "hangs") await new Promise(() => undefined);
});

await bindDirectory(root, [job]).runtime.start();

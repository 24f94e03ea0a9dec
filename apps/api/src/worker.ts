import { runProcess } from "#src/process.ts";

await runProcess("worker", ({ config }) => {
  process.stdout.write(`Orbit Jobs works (${config.jobs.provider}). Ctrl-C stops it.\n`);
});

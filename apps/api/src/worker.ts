import { runProcess } from "#src/process.ts";

await runProcess("worker", ({ config }) => {
  process.stdout.write(
    `The worker runs (provider: ${config.jobs.provider.name}). Ctrl-C stops it.\n`,
  );
});

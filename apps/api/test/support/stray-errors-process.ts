import { silentLog } from "#src/jobs/testing/helper-defaults.ts";
import { createJobs } from "#src/jobs/application/create-jobs.ts";
import { defineJob } from "#src/jobs/application/define-job.ts";
import { graphile } from "#src/jobs/infrastructure/graphile/graphile-provider.ts";
import { memory } from "#src/jobs/infrastructure/memory/memory-provider.ts";

// A process with a runtime, for tests of errors that nothing awaits. Its argument says what goes wrong.

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "stray.float": { when: "at once" | "after the run" };
      "stray.neighbour": Record<string, never>;
    }
  }
}

const say = (line: string) => void process.stdout.write(`${line}\n`);
const [mode] = process.argv.slice(2);
const databaseUrl = process.env["DATABASE_URL"];
const late = Promise.withResolvers<void>();
const end = Promise.withResolvers<void>();

const jobs = createJobs({
  provider: databaseUrl === undefined ? memory() : graphile({ databaseUrl }),
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- these handlers do not use the core
  core: {} as OrbitJobs.Core,
  log: {
    ...silentLog,
    error: (fields, message) => say(`error: ${message} ${JSON.stringify(fields)}`),
    child: (fields) => ({
      ...silentLog,
      error: (_more, message) => say(`error: ${message} ${JSON.stringify(fields)}`),
    }),
  },
  jobs: [
    defineJob({
      name: "stray.float",
      maxAttempts: 1,
      handler: async ({ when }) => {
        if (when === "at once") void Promise.reject(new Error("floating"));
        else void late.promise.then(() => Promise.reject(new Error("floating")));
      },
    }),
    defineJob({
      name: "stray.neighbour",
      handler: async (_payload, { attempt, signal }) => {
        say(`neighbour begins attempt ${attempt}`);
        await end.promise;
        say(`neighbour ends attempt ${attempt}${signal.aborted ? ", aborted" : ""}`);
      },
    }),
  ],
});

const emitBefore = process.emit;
if (mode === "listener") process.on("unhandledRejection", (error) => say(`heard ${String(error)}`));
await jobs.runtime.start();
await jobs.queue.enqueue("stray.neighbour", {});
await jobs.queue.enqueue("stray.float", { when: mode === "late" ? "after the run" : "at once" });

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const isLate = mode === "late";
const isOver = async () => isLate || (await jobs.deadJobs.list(1)).length > 0;
while (!(await isOver())) await pause(20);
if (isLate) await pause(300);
say("the job is over");
late.resolve();
await pause(50);
if (mode === "foreign" || mode === "listener") {
  void Promise.reject(new Error("an error of the app"));
  await pause(50);
}
end.resolve();
await pause(100);
await jobs.runtime.stop();
say(process.emit === emitBefore ? "process.emit is as before" : "process.emit is changed");

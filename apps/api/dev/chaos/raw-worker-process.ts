import { Logger, run } from "graphile-worker";
import { openPool } from "#src/infrastructure/database.ts";
import { life, log, ready, setting } from "./process-side.ts";
import { doWork, EFFECT, JOB_NAME, workSchema } from "./work.ts";

// A worker of graphile-worker alone, started as its documentation says, with its defaults and its own
// handling of signals. It has no ledger, so the effect is a plain insert.

const pool = openPool(setting("DATABASE_URL"), log);
const runner = await run({
  pgPool: pool,
  logger: new Logger(() => () => undefined),
  concurrency: Number(setting("JOBS_CONCURRENCY")),
  taskList: {
    [JOB_NAME]: (payload, { job, abortSignal }) => {
      const work = workSchema.parse(payload);
      const attempt = job.attempts;
      return doWork(pool, work, { life, attempt, signal: abortSignal }, () =>
        pool.query(EFFECT, [work.id]),
      );
    },
  },
});
ready("", () => runner.promise);
// The process exits when the worker ends, as in an app that does nothing else.
await runner.promise;
process.exit(0);

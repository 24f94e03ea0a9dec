import type { Pool } from "pg";
import { openPool } from "#src/infrastructure/database.ts";
import { defineJob } from "#src/jobs/application/define-job.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { processOnce } from "#src/jobs/application/ledger.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import {
  buildJobDispatcher,
  buildJobQueue,
  buildJobRuntime,
  buildLedger,
  buildOutboxRelay,
  buildTransactionJobs,
  type JobsConfig,
  providerSupport,
  readJobsConfig,
} from "#src/jobs/feature.ts";
import { life, log, setting } from "./process-side.ts";
import { inTransaction } from "./transaction.ts";
import { doWork, EFFECT, JOB_NAME, MAX_ATTEMPTS, type Work, workSchema } from "./work.ts";

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "chaos.work": Work;
    }
  }
}

function readConfig(env: Readonly<Record<string, string | undefined>>): JobsConfig {
  const result = readJobsConfig(env);
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.config;
}

/** An app with one job, put together as the real one is. Nothing is started yet. */
export function orbitApp() {
  const config = readConfig(process.env);
  const pool = openPool(setting("DATABASE_URL"), log);
  const sql: SqlExecutor = { query: (text, values) => pool.query(text, [...values]) };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler uses nothing of it
  const registry = buildJobs([workJob(pool)({} as OrbitJobs.Core)], providerSupport(config));
  const relay = buildOutboxRelay(config, { sql, log });
  const dispatcher = buildJobDispatcher(config, registry, { sql, log });
  return {
    pool,
    dispatcher,
    queue: buildJobQueue(config, registry, { sql }),
    bindJobs: buildTransactionJobs(config, registry, { relay, log }),
    runtime: buildJobRuntime(config, registry, { log, dispatcher, relay }),
  };
}

/** Its effect is committed with its entry in the ledger, or not at all. */
function workJob(pool: Pool) {
  const uow = {
    run: <T>(
      work: (tx: { processed: ReturnType<typeof buildLedger>; sql: SqlExecutor }) => Promise<T>,
    ) => inTransaction(pool, (sql) => work({ processed: buildLedger(sql), sql })),
  };
  return defineJob({
    name: JOB_NAME,
    schema: workSchema,
    maxAttempts: MAX_ATTEMPTS,
    handler: (work, { attempt, signal }) =>
      doWork(pool, work, { life, attempt, signal }, () =>
        processOnce(uow, "chaos", work.id, async ({ sql }) => {
          await sql.query(EFFECT, [work.id]);
        }),
      ),
  });
}

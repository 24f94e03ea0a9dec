import type { Pool } from "pg";
import { openPool } from "#src/infrastructure/database.ts";
import { defineJob } from "#src/jobs/application/define-job.ts";
import { createJobs } from "#src/jobs/application/create-jobs.ts";
import { type Ledger, processOnce } from "#src/jobs/application/ledger.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { type JobsConfig, readJobsConfig } from "#src/jobs/env.ts";
import { sqlLedger } from "#src/jobs/infrastructure/sql/ledger.ts";
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

/** An app with one job, assembled like the real one. Starts nothing. */
export function orbitApp() {
  const config = readConfig(process.env);
  const pool = openPool(setting("DATABASE_URL"), log);
  const sql: SqlExecutor = { query: (text, values) => pool.query(text, [...values]) };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler uses nothing of it
  const core = {} as OrbitJobs.Core;
  const { provider, ...settings } = config;
  return { pool, ...createJobs({ provider, core, jobs: [workJob(pool)], sql, log, settings }) };
}

/** The effect commits together with its ledger entry. */
function workJob(pool: Pool) {
  const uow = {
    run: <T>(work: (tx: { processed: Ledger; sql: SqlExecutor }) => Promise<T>) =>
      inTransaction(pool, (sql) => work({ processed: sqlLedger(sql), sql })),
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

import { Logger, makeWorkerUtils } from "graphile-worker";
import type { Pool } from "pg";
import { z } from "zod";
import { DEV_CREDENTIALS } from "@orbit/qstash-dev";
import { readJobsConfig } from "#src/jobs/env.ts";

export const ENGINES = ["graphile", "qstash", "raw"] as const;

/** A provider, or graphile-worker without Orbit Jobs. */
export type Engine = (typeof ENGINES)[number];

/** Concurrent jobs of one worker. On qstash, all instances share the total. */
const CONCURRENCY = 10;

export const WORKERS = ["worker-1", "worker-2", "worker-3"] as const;
export const ENQUEUER = "enqueuer";

export const WORKER_FILES: Readonly<Record<Engine, string>> = {
  graphile: "graphile-worker-process.ts",
  qstash: "api-process.ts",
  raw: "raw-worker-process.ts",
};

/** The environment of the app's processes, without DATABASE_URL. */
export function environment(
  engine: Engine,
  { qstashUrl, callbackUrl }: { readonly qstashUrl: string; readonly callbackUrl: string },
): Record<string, string> {
  const common = { CHAOS_ENGINE: engine, JOBS_SHUTDOWN_GRACE_MS: "2000" };
  if (engine !== "qstash") {
    return { ...common, JOBS_PROVIDER: "graphile", JOBS_CONCURRENCY: String(CONCURRENCY) };
  }
  return {
    ...common,
    JOBS_PROVIDER: "qstash",
    JOBS_CONCURRENCY: String(CONCURRENCY * WORKERS.length),
    QSTASH_URL: qstashUrl,
    QSTASH_CALLBACK_URL: callbackUrl,
    QSTASH_TOKEN: DEV_CREDENTIALS.token,
    QSTASH_CURRENT_SIGNING_KEY: DEV_CREDENTIALS.currentSigningKey,
    QSTASH_NEXT_SIGNING_KEY: DEV_CREDENTIALS.nextSigningKey,
  };
}

/** Creates the engine's tables. */
export async function prepare(
  engine: Engine,
  env: Readonly<Record<string, string>>,
  pool: Pool,
): Promise<void> {
  if (engine === "raw") {
    const logger = new Logger(() => () => undefined);
    const utils = await makeWorkerUtils({ pgPool: pool, logger });
    await utils.release();
    return;
  }
  const config = readJobsConfig(env);
  if (!config.ok) throw new Error(config.problems.join("\n"));
  await config.config.provider.migrate(pool);
}

const WAITING: Readonly<Record<Engine, string>> = {
  graphile: "select count(*)::integer as count from graphile_worker._private_jobs",
  qstash: "select count(*)::integer as count from orbit_jobs.job_outbox",
  // graphile-worker frees the locked jobs of a dead process after four hours.
  raw: "select count(*)::integer as count from graphile_worker._private_jobs",
};

/** Counts the engine's waiting jobs in Postgres. */
export async function waitingIn(pool: Pool, engine: Engine): Promise<number> {
  return countOf(pool, WAITING[engine]);
}

/** Counts the jobs that get no further attempt. */
export async function deadIn(pool: Pool, engine: Engine): Promise<number> {
  return countOf(
    pool,
    engine === "raw"
      ? "select count(*)::integer as count from graphile_worker._private_jobs where attempts >= max_attempts and locked_at is null"
      : "select count(*)::integer as count from orbit_jobs.dead_jobs",
  );
}

const counts = z.tuple([z.object({ count: z.number() })]);

export async function countOf(pool: Pool, statement: string): Promise<number> {
  const { rows } = await pool.query(statement);
  return counts.parse(rows)[0].count;
}

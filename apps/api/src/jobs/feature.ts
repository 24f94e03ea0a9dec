import type { Pool } from "pg";
import { z } from "zod";
import type { JobQueue } from "./application/job-queue.ts";
import type { JobRegistry } from "./application/job-registry.ts";
import type { JobRuntime } from "./application/job-runtime.ts";
import type { JobLogger, SqlExecutor } from "./application/ports.ts";
import { consoleLog } from "./infrastructure/console-log.ts";
import { GraphileJobQueue } from "./infrastructure/graphile/graphile-job-queue.ts";
import { GraphileJobRuntime } from "./infrastructure/graphile/graphile-job-runtime.ts";
import { migrateGraphile } from "./infrastructure/graphile/migrate.ts";
import { NoopJobQueue } from "./infrastructure/noop/noop-job-queue.ts";
import { NoopJobRuntime } from "./infrastructure/noop/noop-job-runtime.ts";

interface CommonJobsConfig {
  readonly maxPayloadBytes: number;
  readonly shutdownGraceMs: number;
}

/** Which provider runs the jobs, and all it has to know. */
export type JobsConfig =
  | (CommonJobsConfig & { readonly provider: "noop" })
  | (CommonJobsConfig & {
      readonly provider: "graphile";
      /** Direct or session-mode URL for the worker. */
      readonly workerDatabaseUrl: string;
      readonly concurrency: number;
    });

export type JobsConfigResult =
  | { readonly ok: true; readonly config: JobsConfig }
  | { readonly ok: false; readonly problems: readonly string[] };

const wholeNumber = (name: string, fallback: number, min: number, max: number, unit = "") =>
  z
    .string()
    .optional()
    .transform((text) => (text ? (/^\d+$/.test(text) ? Number(text) : Number.NaN) : fallback))
    .refine((value) => Number.isInteger(value) && value >= min && value <= max, {
      error: `${name} must be a whole number from ${min} to ${max}${unit}; leave it out for ${fallback}.`,
    });

const postgresUrl = (name: string) =>
  z
    .string()
    .optional()
    .transform((text) => (text === "" ? undefined : text))
    .refine((text) => text === undefined || /^postgres(ql)?:$/.test(protocolOf(text)), {
      error: `${name} must be a URL like postgres://user:password@host:5432/database.`,
    });

const environment = z.object({
  JOBS_PROVIDER: z
    .enum(["graphile", "noop", ""], {
      error: "JOBS_PROVIDER must be graphile or noop; leave it out for noop.",
    })
    .optional(),
  JOBS_CONCURRENCY: wholeNumber("JOBS_CONCURRENCY", 2, 1, 1_000),
  JOBS_SHUTDOWN_GRACE_MS: wholeNumber(
    "JOBS_SHUTDOWN_GRACE_MS",
    10_000,
    0,
    3_600_000,
    " (milliseconds)",
  ),
  JOBS_MAX_PAYLOAD_BYTES: wholeNumber(
    "JOBS_MAX_PAYLOAD_BYTES",
    1_048_576,
    1,
    268_435_456,
    " (bytes)",
  ),
  DATABASE_URL: postgresUrl("DATABASE_URL"),
  WORKER_DATABASE_URL: postgresUrl("WORKER_DATABASE_URL"),
});

/** Reads the variables of the jobs module; all problems at once, never a value in them. */
export function readJobsConfig(
  env: Readonly<Record<string, string | undefined>>,
): JobsConfigResult {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    return { ok: false, problems: parsed.error.issues.map(({ message }) => message) };
  }
  const { JOBS_PROVIDER, DATABASE_URL, WORKER_DATABASE_URL, ...numbers } = parsed.data;
  const common = {
    maxPayloadBytes: numbers.JOBS_MAX_PAYLOAD_BYTES,
    shutdownGraceMs: numbers.JOBS_SHUTDOWN_GRACE_MS,
  };
  if (JOBS_PROVIDER !== "graphile") return { ok: true, config: { provider: "noop", ...common } };
  if (DATABASE_URL === undefined) {
    return {
      ok: false,
      problems: ["JOBS_PROVIDER=graphile needs DATABASE_URL: a Postgres database."],
    };
  }
  return {
    ok: true,
    config: {
      provider: "graphile",
      workerDatabaseUrl: WORKER_DATABASE_URL ?? DATABASE_URL,
      concurrency: numbers.JOBS_CONCURRENCY,
      ...common,
    },
  };
}

/** Brings the provider's tables up to date. Safe at every start, and by many at once. */
export async function prepareJobs(config: JobsConfig, pool: Pool): Promise<void> {
  if (config.provider === "graphile") await migrateGraphile(pool);
}

/** The port for callers. `sql` runs statements on the app's own database pool. */
export function buildJobQueue(
  config: JobsConfig,
  registry: JobRegistry,
  { sql }: { readonly sql: SqlExecutor },
): JobQueue {
  switch (config.provider) {
    case "noop":
      return new NoopJobQueue();
    case "graphile":
      return new GraphileJobQueue(registry, { sql, maxPayloadBytes: config.maxPayloadBytes });
  }
}

/** The port for the process that executes. Without a `log`, troubles go to the console. */
export function buildJobRuntime(
  config: JobsConfig,
  registry: JobRegistry,
  { log = consoleLog() }: { readonly log?: JobLogger } = {},
): JobRuntime {
  switch (config.provider) {
    case "noop":
      return new NoopJobRuntime(registry, log);
    case "graphile":
      return new GraphileJobRuntime(registry, {
        connectionString: config.workerDatabaseUrl,
        concurrency: config.concurrency,
        shutdownGraceMs: config.shutdownGraceMs,
        log,
      });
  }
}

function protocolOf(text: string): string {
  try {
    return new URL(text).protocol;
  } catch {
    return "";
  }
}

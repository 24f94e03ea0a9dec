import { z } from "zod";
import { assembleParts, closeAfterStop } from "./application/create-jobs.ts";
import { problemsOf, tidyEnvironment } from "./application/environment.ts";
import { NoDatabaseError } from "./application/job-errors.ts";
import type {
  Environment,
  JobDispatcher,
  JobProvider,
  JobSettings,
  ProviderFromEnv,
  ProviderParts,
} from "./application/job-provider.ts";
import type { BulkJobQueue } from "./application/job-queue.ts";
import type { JobRegistry } from "./application/job-registry.ts";
import type { JobRuntime } from "./application/job-runtime.ts";
import {
  type JobClock,
  type JobLogger,
  type SqlExecutor,
  systemClock,
} from "./application/ports.ts";
import { consoleLog } from "./infrastructure/common/console-log.ts";
import { databaseUrlProblem } from "./infrastructure/sql/database-url.ts";
import * as providers from "./providers.ts";

// The one place where the environment chooses the provider, and the specification's builders on top.

export { buildJobs } from "./application/job-registry.ts";

/** The chosen provider and the settings that hold on every provider. */
export interface JobsConfig extends JobSettings {
  readonly provider: JobProvider;
}

export type JobsConfigResult =
  | { readonly ok: true; readonly config: JobsConfig }
  | { readonly ok: false; readonly problems: readonly string[] };

const FACTORIES: Readonly<Record<string, ProviderFromEnv>> = providers;

const NAMES = Object.keys(FACTORIES).sort();

/** No provider redelivers a job by itself for longer than this. */
const REDELIVERY_DAYS = 14;

const wholeNumber = (name: string, fallback: number, min: number, max: number, unit = "") =>
  z
    .string()
    .optional()
    .transform((text = String(fallback)) => (/^\d+$/.test(text) ? Number(text) : Number.NaN))
    .refine((value) => Number.isInteger(value) && value >= min && value <= max, {
      error: `${name} must be a whole number from ${min} to ${max}${unit}; leave it out for ${fallback}.`,
    });

const postgresUrl = (name: string) =>
  z
    .string()
    .optional()
    .superRefine((text, context) => {
      const problem = text === undefined ? undefined : databaseUrlProblem(name, text);
      if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
    });

const environment = z.object({
  JOBS_PROVIDER: z
    .string()
    .default("noop")
    .refine((name) => NAMES.includes(name), {
      error: `JOBS_PROVIDER must be ${NAMES.slice(0, -1).join(", ")} or ${NAMES.at(-1)}; leave it out for noop.`,
    }),
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
  JOBS_DEAD_RETENTION_DAYS: wholeNumber("JOBS_DEAD_RETENTION_DAYS", 30, 1, 3_650, " (days)"),
  JOBS_LEDGER_RETENTION_DAYS: wholeNumber("JOBS_LEDGER_RETENTION_DAYS", 90, 1, 36_500, " (days)"),
  DATABASE_URL: postgresUrl("DATABASE_URL"),
  WORKER_DATABASE_URL: postgresUrl("WORKER_DATABASE_URL"),
});

/** A provider's own variables begin with JOBS_, too, or are checked by their reader. */
const isRead = (name: string) => name.startsWith("JOBS_") || Object.hasOwn(environment.shape, name);

/** Reads the variables of the jobs module. Lists every problem at once, without any value. */
export function readJobsConfig(given: Environment): JobsConfigResult {
  const env = tidyEnvironment(given);
  const parsed = environment.safeParse(env);
  const found = parsed.error?.issues.map(({ message }) => message) ?? [];
  if (parsed.success) found.push(...retentionProblems(parsed.data));
  const fromEnv = FACTORIES[env["JOBS_PROVIDER"] ?? "noop"];
  const result = fromEnv?.({
    env,
    concurrency: env["JOBS_CONCURRENCY"] ? parsed.data?.JOBS_CONCURRENCY : undefined,
    databaseUrl: env["DATABASE_URL"],
    workerDatabaseUrl: env["WORKER_DATABASE_URL"],
  });
  if (result && !result.ok) found.push(...result.problems);
  const problems = problemsOf(env, isRead, found);
  if (!parsed.success || !result?.ok || problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    config: {
      provider: result.provider,
      maxPayloadBytes: parsed.data.JOBS_MAX_PAYLOAD_BYTES,
      shutdownGraceMs: parsed.data.JOBS_SHUTDOWN_GRACE_MS,
      deadRetentionDays: parsed.data.JOBS_DEAD_RETENTION_DAYS,
      ledgerRetentionDays: parsed.data.JOBS_LEDGER_RETENTION_DAYS,
    },
  };
}

/** What the builders need from the app. Each may be given to any of them. */
export interface BuilderPorts {
  /** Runs statements on the app's database pool. Default: a small pool on `DATABASE_URL`. */
  readonly sql?: SqlExecutor;
  readonly clock?: JobClock;
  /** Default: warnings and errors on the console. */
  readonly log?: JobLogger;
}

/** The queue that services call. */
export function buildJobQueue(
  config: JobsConfig,
  registry: JobRegistry,
  ports?: BuilderPorts,
): BulkJobQueue {
  return partsOf(config, registry, ports).queue;
}

/**
 * The runtime that a process starts. It runs the jobs of the registry and keeps the provider's tables small.
 * `stop()` waits for the runs in flight, also for those that {@link buildJobDispatcher} received.
 */
export function buildJobRuntime(
  config: JobsConfig,
  registry: JobRegistry,
  ports?: BuilderPorts,
): JobRuntime {
  return partsOf(config, registry, ports).runtime;
}

/** The receiving end of a provider that delivers over HTTP; `undefined` on the others. */
export function buildJobDispatcher(
  config: JobsConfig,
  registry: JobRegistry,
  ports?: BuilderPorts,
): JobDispatcher | undefined {
  return partsOf(config, registry, ports).dispatcher;
}

interface Assembled {
  readonly parts: ProviderParts;
  /** The ports of the calls so far; the latest one counts. */
  given: BuilderPorts;
}

const assembled = new WeakMap<JobsConfig, WeakMap<JobRegistry, Assembled>>();

/** Makes the parts once per configuration and registry, so that queue, runtime and webhook share them. */
function partsOf(
  config: JobsConfig,
  registry: JobRegistry,
  ports: BuilderPorts = {},
): ProviderParts {
  const byRegistry = assembled.get(config) ?? new WeakMap<JobRegistry, Assembled>();
  assembled.set(config, byRegistry);
  const known = byRegistry.get(registry);
  if (known) {
    known.given = { ...known.given, ...ports };
    return known.parts;
  }
  const made = assemble(config, registry, ports);
  byRegistry.set(registry, made);
  return made.parts;
}

function assemble(config: JobsConfig, registry: JobRegistry, ports: BuilderPorts): Assembled {
  const { provider } = config;
  const own = provider.openDatabase?.();
  const holder = { given: ports };
  const sql: SqlExecutor = {
    query(text, values) {
      const executor = holder.given.sql ?? own;
      if (executor) return executor.query(text, values);
      return Promise.reject(new NoDatabaseError(provider.name));
    },
  };
  const { parts } = assembleParts(provider, registry, {
    sql,
    log: latestLog(() => holder.given.log ?? fallbackLog),
    clock: { now: () => (holder.given.clock ?? systemClock).now() },
    settings: config,
  });
  const runtime = own ? closeAfterStop(parts.runtime, own) : parts.runtime;
  return Object.assign(holder, { parts: { ...parts, runtime } });
}

const fallbackLog = consoleLog();

/** A log that writes to whichever log the builders were given last. */
function latestLog(latest: () => JobLogger): JobLogger {
  return {
    debug: (fields, message) => latest().debug(fields, message),
    info: (fields, message) => latest().info(fields, message),
    warn: (fields, message) => latest().warn(fields, message),
    error: (fields, message) => latest().error(fields, message),
    child: (fields) => latestLog(() => latest().child(fields)),
  };
}

/** A job replayed on its last day must still be in the ledger. */
function retentionProblems({
  JOBS_DEAD_RETENTION_DAYS: dead,
  JOBS_LEDGER_RETENTION_DAYS: ledger,
}: z.infer<typeof environment>): string[] {
  const least = dead + REDELIVERY_DAYS;
  if (ledger >= least) return [];
  return [
    `JOBS_LEDGER_RETENTION_DAYS must be at least ${least}, ${REDELIVERY_DAYS} more than JOBS_DEAD_RETENTION_DAYS: the ledger must outlive every replay.`,
  ];
}

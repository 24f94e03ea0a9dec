import { z } from "zod";
import { createMemoryStore, type MemoryStore } from "./infrastructure/memory/memory-store.ts";
import { type QStashConfig, readQStash } from "./qstash-environment.ts";

interface CommonJobsConfig {
  readonly maxPayloadBytes: number;
  readonly shutdownGraceMs: number;
  /** How long dead jobs are kept. */
  readonly deadRetentionDays: number;
  /** How long the ledger remembers; longer than anything is delivered or replayed again. */
  readonly ledgerRetentionDays: number;
}

/** Longer than any provider delivers a job again by itself. */
const REDELIVERY_DAYS = 14;

/** Which provider runs the jobs, and all it has to know. */
export type JobsConfig = CommonJobsConfig &
  (
    | { readonly provider: "noop" }
    | {
        readonly provider: "memory";
        readonly concurrency: number;
        /** Where the jobs are: whoever has this config has them. */
        readonly store: MemoryStore;
      }
    | {
        readonly provider: "graphile";
        /** Direct or session-mode URL for the worker. */
        readonly workerDatabaseUrl: string;
        readonly concurrency: number;
      }
    | ({ readonly provider: "qstash" } & QStashConfig)
  );

export type JobsConfigResult =
  | { readonly ok: true; readonly config: JobsConfig }
  | { readonly ok: false; readonly problems: readonly string[] };

const DEFAULT_CONCURRENCY = 2;

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
    .enum(["graphile", "qstash", "memory", "noop", ""], {
      error: "JOBS_PROVIDER must be graphile, qstash, memory or noop; leave it out for noop.",
    })
    .optional(),
  JOBS_CONCURRENCY: wholeNumber("JOBS_CONCURRENCY", DEFAULT_CONCURRENCY, 1, 1_000),
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

/** Reads the variables of the jobs module; all problems at once, never a value in them. */
export function readJobsConfig(
  env: Readonly<Record<string, string | undefined>>,
): JobsConfigResult {
  const parsed = environment.safeParse(env);
  const problems = parsed.error?.issues.map(({ message }) => message) ?? [];
  const qstash = env["JOBS_PROVIDER"] === "qstash" ? readQStash(env) : undefined;
  if (qstash && !qstash.ok) problems.push(...qstash.problems);
  if (parsed.success) problems.push(...retentionProblems(parsed.data));
  if (!parsed.success || problems.length > 0) return { ok: false, problems };

  const { JOBS_PROVIDER, DATABASE_URL, WORKER_DATABASE_URL, ...numbers } = parsed.data;
  const common = {
    maxPayloadBytes: numbers.JOBS_MAX_PAYLOAD_BYTES,
    shutdownGraceMs: numbers.JOBS_SHUTDOWN_GRACE_MS,
    deadRetentionDays: numbers.JOBS_DEAD_RETENTION_DAYS,
    ledgerRetentionDays: numbers.JOBS_LEDGER_RETENTION_DAYS,
  };
  if (qstash?.ok) {
    // QStash has its own idea of how much it delivers at a time, unless somebody says otherwise.
    const concurrency = env["JOBS_CONCURRENCY"] ? numbers.JOBS_CONCURRENCY : undefined;
    return {
      ok: true,
      config: { provider: "qstash", ...qstash.config, concurrency, ...common },
    };
  }
  if (JOBS_PROVIDER === "memory") {
    if (env["NODE_ENV"] === "production") {
      const problem =
        "JOBS_PROVIDER=memory loses every job with its process and is not for production: set graphile or qstash.";
      return { ok: false, problems: [problem] };
    }
    const concurrency = numbers.JOBS_CONCURRENCY;
    const store = createMemoryStore();
    return { ok: true, config: { provider: "memory", concurrency, store, ...common } };
  }
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

/** A job that is replayed on its last day must still be found in the ledger. */
function retentionProblems({
  JOBS_DEAD_RETENTION_DAYS: dead,
  JOBS_LEDGER_RETENTION_DAYS: ledger,
}: z.infer<typeof environment>): string[] {
  const least = dead + REDELIVERY_DAYS;
  if (ledger >= least) return [];
  return [
    `JOBS_LEDGER_RETENTION_DAYS must be at least ${least}: ${REDELIVERY_DAYS} more than JOBS_DEAD_RETENTION_DAYS, so that a replayed job is still known.`,
  ];
}

function protocolOf(text: string): string {
  try {
    return new URL(text).protocol;
  } catch {
    return "";
  }
}

import { z } from "zod";
import { SERVER_LIMITS } from "#src/interfaces/http/limits.ts";
import { problemsOf, tidyEnvironment } from "#src/jobs/application/environment.ts";
import { type JobsConfig, readJobsConfig } from "#src/jobs/env.ts";

export type MailerConfig =
  | { readonly kind: "development" }
  | { readonly kind: "smtp"; readonly url: string; readonly from: string };

export interface AppConfig {
  readonly production: boolean;
  readonly port: number;
  /** How long the server keeps an idle connection open. */
  readonly keepAliveSeconds: number;
  /** Bearer token of every route but the open ones. */
  readonly apiToken: string;
  readonly databaseUrl: string;
  /** Whether this process executes jobs beside serving HTTP. */
  readonly worker: boolean;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly mailer: MailerConfig;
  /** Verifies Stripe's deliveries; without it the webhook is off. */
  readonly stripeWebhookSecret: string | undefined;
  readonly jobs: JobsConfig;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** A start cannot go on. The message lists every problem, says how to mend it, and holds no secret. */
export class ConfigError extends Error {
  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(
      `Orbit Jobs cannot start:\n${problems.map((problem) => `- ${problem}`).join("\n")}\n` +
        "Every variable is explained in .env.example.",
      options,
    );
    this.name = "ConfigError";
  }
}

const DEFAULT_PORT = 4002;
const DEFAULT_KEEP_ALIVE_SECONDS = SERVER_LIMITS.keepAliveTimeoutMs / 1_000;

/** Node refuses requests whose headers have more than 16 KiB together. */
const MAX_TOKEN_LENGTH = 4_096;

const MAIL_ADDRESS = /^(?:[^\s<>@]+@[^\s<>@]+|[^<>@]*<[^\s<>@]+@[^\s<>@]+>)$/;

const isPort = (text: string) => /^\d+$/.test(text) && Number(text) <= 65_535;
const notAPort = (name: string, fallback: number) =>
  `${name} must be a whole number from 0 to 65535; leave it out for ${fallback}.`;

const environment = z
  .object({
    NODE_ENV: z
      .string()
      // Node and its libraries compare this word exactly, so another spelling would not be production.
      .refine((text) => text === "production" || !/^prod(uction)?$/i.test(text), {
        error: 'NODE_ENV must be "production", spelled exactly so, in production.',
      }),
    PORT: z.string().refine(isPort, { error: notAPort("PORT", DEFAULT_PORT) }),
    HTTP_KEEP_ALIVE_SECONDS: z
      .string()
      .refine((text) => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 3_600, {
        error: `HTTP_KEEP_ALIVE_SECONDS must be a whole number from 1 to 3600; leave it out for ${DEFAULT_KEEP_ALIVE_SECONDS}.`,
      }),
    ORBIT_API_TOKEN: z
      .string()
      .min(16, { error: "ORBIT_API_TOKEN must have at least 16 characters." })
      .max(MAX_TOKEN_LENGTH, {
        error: `ORBIT_API_TOKEN must have at most ${MAX_TOKEN_LENGTH} characters: servers refuse long headers.`,
      })
      // The token68 of RFC 9110: no client can send other characters as a bearer token.
      .regex(/^[\w.~+/-]+=*$/, {
        error: "ORBIT_API_TOKEN may contain only letters, digits, - . _ ~ + / and, at its end, =.",
      }),
    ORBIT_DIRECTORY: z.string(),
    DATABASE_URL: z.string(),
    WORKER_DATABASE_URL: z.string(),
    JOBS_PROVIDER: z.string(),
    JOBS_WORKER: z.enum(["on", "off"], {
      error: "JOBS_WORKER must be on or off; leave it out for on.",
    }),
    LOG_LEVEL: z.enum(["debug", "info", "warn", "error"], {
      error: "LOG_LEVEL must be debug, info, warn or error; leave it out for info.",
    }),
    SMTP_URL: z.string().refine(isSmtpUrl, {
      error: "SMTP_URL must be a URL like smtp://user:password@host:587.",
    }),
    MAIL_FROM: z.string().regex(MAIL_ADDRESS, {
      error: "MAIL_FROM must be an address like jobs@example.com or Orbit <jobs@example.com>.",
    }),
    STRIPE_WEBHOOK_SECRET: z.string().regex(/^whsec_[\x21-\x7e]+$/, {
      error: "STRIPE_WEBHOOK_SECRET must be a signing secret of Stripe: whsec_ and what follows.",
    }),
  })
  .partial()
  .superRefine((env, context) => {
    const need = (problem: string) => context.addIssue({ code: "custom", message: problem });
    if (env.NODE_ENV === "production") {
      if (!env.ORBIT_API_TOKEN) need("ORBIT_API_TOKEN must be set in production.");
      if (!env.DATABASE_URL) {
        need("DATABASE_URL must be set in production: no database is embedded there.");
      }
    }
    if (env.WORKER_DATABASE_URL && !env.DATABASE_URL) {
      need("WORKER_DATABASE_URL needs DATABASE_URL: both must lead to the same database.");
    }
    if (env.SMTP_URL && !env.MAIL_FROM) {
      need("MAIL_FROM must be set with SMTP_URL: the sender's address.");
    }
  });

/**
 * Reads the environment. `DATABASE_URL` must be set, by the user or for the embedded Postgres.
 *
 * @throws ConfigError that lists every problem
 */
export function readConfig(given: Environment, madeUpToken?: string): AppConfig {
  const env = tidyEnvironment(given);
  const app = environment.safeParse(env, { reportInput: false });
  const jobs = readJobsConfig(env);
  const problems = problemsOf(env, (name) => Object.hasOwn(environment.shape, name), [
    ...(app.error?.issues.map(({ message }) => message) ?? []),
    ...(jobs.ok ? workerProblems(jobs.config, env) : jobs.problems),
  ]);
  if (!app.success || !jobs.ok || problems.length > 0)
    throw new ConfigError([...new Set(problems)]);
  const { data } = app;
  const apiToken = data.ORBIT_API_TOKEN ?? madeUpToken;
  if (data.DATABASE_URL === undefined) throw new ConfigError(["DATABASE_URL must be set."]);
  if (apiToken === undefined) throw new ConfigError(["ORBIT_API_TOKEN must be set."]);
  return {
    production: data.NODE_ENV === "production",
    port: Number(data.PORT ?? DEFAULT_PORT),
    keepAliveSeconds: Number(data.HTTP_KEEP_ALIVE_SECONDS ?? DEFAULT_KEEP_ALIVE_SECONDS),
    apiToken,
    databaseUrl: data.DATABASE_URL,
    worker: data.JOBS_WORKER !== "off",
    logLevel: data.LOG_LEVEL ?? "info",
    mailer:
      data.SMTP_URL && data.MAIL_FROM
        ? { kind: "smtp", url: data.SMTP_URL, from: data.MAIL_FROM }
        : { kind: "development" },
    stripeWebhookSecret: data.STRIPE_WEBHOOK_SECRET,
    jobs: jobs.config,
  };
}

/**
 * Reads the port of a program that starts before the whole configuration is read.
 *
 * @throws ConfigError
 */
export function readPort(env: Environment, name: string, fallback = DEFAULT_PORT): number {
  const text = tidyEnvironment(env)[name] ?? String(fallback);
  if (isPort(text)) return Number(text);
  throw new ConfigError(problemsOf({ [name]: text }, () => true, [notAPort(name, fallback)]));
}

/** A provider that no other process can work for must run its jobs in this one. */
function workerProblems({ provider }: JobsConfig, env: Environment): string[] {
  const worksHereOnly = provider.needsProcess && provider.noWorkerReason !== undefined;
  if (env["JOBS_WORKER"] !== "off" || !worksHereOnly) return [];
  return [
    `JOBS_WORKER=off does not fit JOBS_PROVIDER=${provider.name}: no other process can run its jobs.`,
  ];
}

/** The mailer needs no slashes, reads the host as browsers do, and throws the whole URL if it cannot. */
function isSmtpUrl(text: string): boolean {
  const [, rest = ""] = /^smtps?:(?:\/\/)?([^\s/]\S*)$/i.exec(text) ?? [];
  return URL.canParse(`http://${rest}`);
}

/** Whether the start runs an embedded Postgres. */
export function wantsEmbeddedPostgres(env: Environment): boolean {
  const given = env.DATABASE_URL || env.WORKER_DATABASE_URL;
  return !given && env.NODE_ENV !== "production";
}

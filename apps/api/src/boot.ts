import path from "node:path";
import { createApp } from "#src/app.ts";
import { type Container, compose } from "#src/composition.ts";
import {
  type AppConfig,
  ConfigError,
  type Environment,
  readConfig,
  wantsEmbeddedPostgres,
} from "#src/config.ts";
import { developmentToken } from "#src/infrastructure/development-token.ts";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";
import { createLogger } from "#src/infrastructure/logger.ts";
import { createMailer } from "#src/infrastructure/mailer.ts";
import { type HttpServer, listen } from "#src/interfaces/http/server.ts";
import { tidyEnvironment } from "#src/jobs/application/environment.ts";
import { migrate } from "#src/migrate.ts";
import { databaseProblem, jobsProblem, portProblem } from "#src/start-problems.ts";

/** A running process. */
export interface Orbit {
  readonly config: AppConfig;
  /** The address of the API; `undefined` for a worker. */
  readonly url: string | undefined;
  readonly embedded: boolean;
  /** Whether this start generated the token for development, so that it may be shown. */
  readonly tokenIsMadeUp: boolean;
  /** Takes no new requests and jobs, lets running ones finish, and closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts the role that the environment describes. If it fails, nothing is left running.
 *
 * @throws ConfigError whose message says what to change
 */
export async function boot(
  given: Environment,
  role: "server" | "worker",
  orbitDirectory: string,
): Promise<Orbit> {
  const env = tidyEnvironment(given);
  const embedded = wantsEmbeddedPostgres(env);
  const needsToken = env.NODE_ENV !== "production" && !env.ORBIT_API_TOKEN;
  const settings = embedded ? { ...env, JOBS_PROVIDER: env.JOBS_PROVIDER ?? "graphile" } : env;
  // Report every problem of the environment before anything starts.
  const { jobs } = readConfig(
    embedded ? { ...settings, DATABASE_URL: "postgres://embedded/orbit" } : settings,
    needsToken ? "not-made-up-yet" : undefined,
  );
  const { noWorkerReason } = jobs.provider;
  if (role === "worker" && noWorkerReason !== undefined) throw new ConfigError([noWorkerReason]);
  const token = needsToken ? await developmentToken(orbitDirectory) : undefined;
  const postgres = embedded ? await startPostgres(orbitDirectory) : undefined;
  const config = readConfig(
    postgres ? { ...settings, DATABASE_URL: postgres.url } : settings,
    token,
  );
  let container: Container | undefined;
  let server: HttpServer | undefined;

  const stop = async () => {
    const graceMs = config.jobs.shutdownGraceMs;
    try {
      const { stopBeforeHttp } = config.jobs.provider;
      if (stopBeforeHttp) await container?.jobs.runtime.stop();
      await Promise.all([server?.close(graceMs), container?.jobs.runtime.stop()]);
      await container?.close();
    } finally {
      await postgres?.stop();
    }
  };

  try {
    const log = createLogger(config.logLevel);
    await migrate(config, log);
    container = compose(config, { log, mailer: createMailer(config.mailer, log) });
    if (role === "server") server = await serve(container);
    const isWarned = config.jobs.provider.warning !== undefined;
    if (role === "worker" || config.worker || isWarned) await work(container, settings);
  } catch (error) {
    await stop();
    throw error;
  }
  return { config, url: server?.url, embedded, tokenIsMadeUp: token !== undefined, stop };
}

function startPostgres(orbitDirectory: string): Promise<EmbeddedPostgres> {
  const directory = path.join(orbitDirectory, "postgres");
  return startEmbeddedPostgres({ directory }).catch((cause: unknown) => {
    throw new ConfigError([cause instanceof Error ? cause.message : String(cause)], { cause });
  });
}

function serve(container: Container): Promise<HttpServer> {
  const { port, keepAliveSeconds } = container.config;
  const limits = { keepAliveTimeoutMs: keepAliveSeconds * 1_000 };
  return listen(createApp(container), port, limits).catch((cause: unknown) => {
    throw portProblem(port, cause);
  });
}

async function work({ config, jobs }: Container, env: Environment): Promise<void> {
  await jobs.runtime.start().catch((cause: unknown) => {
    const { runtimeDatabaseUrl } = config.jobs.provider;
    if (runtimeDatabaseUrl === undefined) throw jobsProblem(cause);
    const variable = env["WORKER_DATABASE_URL"] ? "WORKER_DATABASE_URL" : "DATABASE_URL";
    throw databaseProblem(variable, runtimeDatabaseUrl, cause);
  });
}

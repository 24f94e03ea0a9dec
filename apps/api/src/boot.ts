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
import { migrate } from "#src/migrate.ts";
import { databaseProblem, jobsProblem, portProblem } from "#src/start-problems.ts";

/** Why a worker of its own makes no sense. */
const NO_WORKER = {
  qstash: "QStash needs no worker: it delivers jobs to the API. Run `npm start`.",
  memory:
    "JOBS_PROVIDER=memory keeps jobs in the process that enqueues them, which runs them. Run `npm start`.",
  noop: "A worker needs a provider: set JOBS_PROVIDER=graphile.",
} as const;

/** A process that runs. */
export interface Orbit {
  readonly config: AppConfig;
  /** Where HTTP is served; `undefined` for a worker. */
  readonly url: string | undefined;
  readonly embedded: boolean;
  /** By us, for development: it may be shown. */
  readonly tokenIsMadeUp: boolean;
  /** Takes no more requests and jobs, lets those under way end, and closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts what the environment asks for; when it fails nothing is left running.
 *
 * @throws ConfigError with one message for people
 */
export async function boot(
  env: Environment,
  role: "server" | "worker",
  orbitDirectory: string,
): Promise<Orbit> {
  const embedded = wantsEmbeddedPostgres(env);
  const needsToken = env.NODE_ENV !== "production" && !env.ORBIT_API_TOKEN;
  const token = needsToken ? await developmentToken(orbitDirectory) : undefined;
  const settings = embedded ? { ...env, JOBS_PROVIDER: env.JOBS_PROVIDER || "graphile" } : env;
  // Whatever is wrong in the environment is said before anything is started.
  const expected = readConfig(
    embedded ? { ...settings, DATABASE_URL: "postgres://embedded/orbit" } : settings,
    token,
  );
  if (role === "worker" && expected.jobs.provider !== "graphile") {
    throw new ConfigError([NO_WORKER[expected.jobs.provider]]);
  }
  const postgres = embedded ? await startPostgres(orbitDirectory) : undefined;
  const config = postgres
    ? readConfig({ ...settings, DATABASE_URL: postgres.url }, token)
    : expected;
  let container: Container | undefined;
  let server: HttpServer | undefined;

  const stop = async () => {
    const graceMs = config.jobs.shutdownGraceMs;
    try {
      // QStash is to be told 503 by an instance that stops, so HTTP ends when the runs have.
      if (config.jobs.provider === "qstash") await container?.runtime.stop();
      await Promise.all([server?.close(graceMs), container?.runtime.stop()]);
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
    if (role === "worker" || config.worker) await work(container, settings);
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
  const { port } = container.config;
  return listen(createApp(container), port).catch((cause: unknown) => {
    throw portProblem(port, cause);
  });
}

async function work({ config, runtime }: Container, env: Environment): Promise<void> {
  await runtime.start().catch((cause: unknown) => {
    if (config.jobs.provider !== "graphile") throw jobsProblem(cause);
    const variable = env["WORKER_DATABASE_URL"] ? "WORKER_DATABASE_URL" : "DATABASE_URL";
    throw databaseProblem(variable, config.jobs.workerDatabaseUrl, cause);
  });
}

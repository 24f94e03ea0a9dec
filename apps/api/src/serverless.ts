import { createApp } from "#src/app.ts";
import { type Container, compose } from "#src/composition.ts";
import { ConfigError, type Environment, readConfig } from "#src/config.ts";
import { openPool } from "#src/infrastructure/database.ts";
import { createMailer } from "#src/infrastructure/mailer.ts";
import { consoleLog } from "#src/jobs/infrastructure/common/console-log.ts";

export interface ServerlessApp {
  fetch(request: Request): Promise<Response>;
  /** Ends the connections to the database. */
  close(): Promise<void>;
}

/** Connections of one request. Workers allow six at a time, and QStash needs one of them. */
const CONNECTIONS = 4;

/**
 * The whole API for one request, since connections may not outlive it. With a wrong configuration every
 * answer is 500, and the log says why.
 */
export function openServerlessApp(env: Environment): ServerlessApp {
  try {
    const container = composeServerless(env);
    const app = createApp(container);
    return { fetch: async (request) => app.fetch(request), close: () => container.close() };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    consoleLog().error({}, error.message);
    return { fetch: async () => misconfigured(), close: async () => undefined };
  }
}

/** An instance composes the app for each request, and warns at the first one. */
let hasWarned = false;

function composeServerless(env: Environment): Container {
  const config = readConfig(env);
  const { name, needsProcess, warning } = config.jobs.provider;
  if (needsProcess) {
    throw new ConfigError([
      `JOBS_PROVIDER must be qstash or noop here: ${name} needs a process that stays alive.`,
    ]);
  }
  const log = consoleLog({}, config.logLevel);
  if (warning !== undefined && !hasWarned) log.warn({}, warning);
  hasWarned = true;
  return compose(config, {
    log,
    mailer: createMailer(config.mailer, log),
    openPool: (url) => openPool(url, log, { connections: CONNECTIONS }),
  });
}

/** The answer to strangers. The details are in the log. */
function misconfigured(): Response {
  const message = "This deployment is not configured. Its log says what is missing.";
  return Response.json({ error: { code: "misconfigured", message } }, { status: 500 });
}

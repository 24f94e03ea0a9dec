import { createApp } from "#src/app.ts";
import { type Container, compose } from "#src/composition.ts";
import { ConfigError, type Environment, readConfig } from "#src/config.ts";
import { openPool } from "#src/infrastructure/database.ts";
import { createMailer } from "#src/infrastructure/mailer.ts";
import { consoleLog } from "#src/jobs/infrastructure/console-log.ts";

export interface ServerlessApp {
  fetch(request: Request): Promise<Response>;
  /** Ends the connections to the database. */
  close(): Promise<void>;
}

/** Of one request. Workers allow it six at once, and QStash is to get one. */
const CONNECTIONS = 4;

/**
 * The whole API, for one request: nobody promises that connections outlive it. Where its
 * configuration is wrong the answer is 500, and the log says why.
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

function composeServerless(env: Environment): Container {
  const config = readConfig(env);
  const { provider } = config.jobs;
  if (provider === "graphile" || provider === "memory") {
    throw new ConfigError([
      `JOBS_PROVIDER must be qstash or noop here: ${provider} needs a process that lives.`,
    ]);
  }
  const log = consoleLog({}, config.logLevel);
  return compose(config, {
    log,
    mailer: createMailer(config.mailer, log),
    openPool: (url) => openPool(url, log, { connections: CONNECTIONS }),
  });
}

/** For strangers; what is wrong is for the log. */
function misconfigured(): Response {
  const message = "This deployment is not configured; its log says what is missing.";
  return Response.json({ error: { code: "misconfigured", message } }, { status: 500 });
}

import { createApp } from "#/app.ts";
import { type Container, compose } from "#/composition.ts";
import { type AppConfig, ConfigError, type Environment, readConfig } from "#/config.ts";
import { createDevelopmentMailer } from "#/infrastructure/mailer/development-mailer.ts";
import { consoleLog } from "#/jobs/infrastructure/console-log.ts";

/**
 * The configuration of a deployment that has no process of its own.
 *
 * @throws ConfigError that lists every problem
 */
export function readServerlessConfig(env: Environment): AppConfig {
  const config = readConfig(env);
  const problems: string[] = [];
  if (config.jobs.provider === "graphile") {
    problems.push("JOBS_PROVIDER must be qstash or noop: graphile needs a process that lives.");
  }
  if (config.mailer.kind === "smtp") {
    problems.push(
      "SMTP_URL cannot be used here: leave it out, or give the app a mailer over HTTP.",
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** The app without anything of Node; whoever asks for it closes it. */
export function composeServerless(config: AppConfig): Container {
  const log = consoleLog({}, config.logLevel);
  return compose(config, { log, mailer: createDevelopmentMailer(log) });
}

/** What a misconfigured deployment answers: the problems are for the log. */
export function misconfigured(error: unknown): Response {
  const text = error instanceof Error ? error.message : String(error);
  consoleLog().error({}, text);
  const message = "This deployment is not configured; its log says what is missing.";
  return Response.json({ error: { code: "misconfigured", message } }, { status: 500 });
}

export { createApp };

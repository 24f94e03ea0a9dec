import { compose } from "#src/composition.ts";
import { ConfigError, readConfig } from "#src/config.ts";
import { createLogger } from "#src/infrastructure/logger.ts";
import { createMailer } from "#src/infrastructure/mailer.ts";
import { syncSchedules } from "#src/jobs/feature.ts";
import { endWithMessage } from "#src/process.ts";
import { jobsProblem } from "#src/start-problems.ts";

// For deployments that have no start-up of their own, as a step of the deploy.

await endWithMessage(async () => {
  const config = readConfig(process.env, "not-needed-for-this");
  if (config.jobs.provider !== "qstash") {
    throw new ConfigError(["Only JOBS_PROVIDER=qstash has schedules to be synced."]);
  }
  const log = createLogger(config.logLevel);
  const container = compose(config, { log, mailer: createMailer(config.mailer, log) });
  try {
    const { created, updated, deleted } = await syncSchedules(config.jobs, container.registry);
    const say = (what: string, ids: readonly string[]) =>
      ids.map((id) => process.stdout.write(`${what} ${id}\n`));
    say("created", created);
    say("updated", updated);
    say("deleted", deleted);
    process.stdout.write("QStash's schedules are those of the registry.\n");
  } catch (cause) {
    throw jobsProblem(cause);
  } finally {
    await container.close();
  }
});

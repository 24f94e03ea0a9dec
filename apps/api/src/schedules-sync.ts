import { compose } from "#src/composition.ts";
import { ConfigError, readConfig } from "#src/config.ts";
import { createLogger } from "#src/infrastructure/logger.ts";
import { createMailer } from "#src/infrastructure/mailer.ts";
import { endWithMessage } from "#src/process.ts";
import { jobsProblem } from "#src/start-problems.ts";

// A deploy step for deployments without a start of their own.

await endWithMessage(async () => {
  const config = readConfig(process.env, "not-needed-for-this");
  const log = createLogger(config.logLevel);
  const container = compose(config, { log, mailer: createMailer(config.mailer, log) });
  try {
    const { syncSchedules, provider } = container.jobs;
    if (!syncSchedules) {
      throw new ConfigError([
        `JOBS_PROVIDER=${provider.name} keeps its schedules in this app: there is nothing to sync.`,
      ]);
    }
    const { created, updated, deleted } = await syncSchedules();
    const say = (what: string, ids: readonly string[]) =>
      ids.map((id) => process.stdout.write(`${what} ${id}\n`));
    say("created", created);
    say("updated", updated);
    say("deleted", deleted);
    process.stdout.write("The schedules equal the registry.\n");
  } catch (cause) {
    throw jobsProblem(cause);
  } finally {
    await container.close();
  }
});

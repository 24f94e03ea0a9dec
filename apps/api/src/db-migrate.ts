import { readConfig } from "#/config.ts";
import { createLogger } from "#/infrastructure/logger.ts";
import { migrate } from "#/migrate.ts";
import { endWithMessage } from "#/process.ts";

// For deployments that have no start-up of their own, as a step of the deploy.

await endWithMessage(async () => {
  const config = readConfig(process.env, "not-needed-for-this");
  await migrate(config, createLogger(config.logLevel));
  process.stdout.write("The database is up to date.\n");
});

import { readConfig } from "#src/config.ts";
import { createLogger } from "#src/infrastructure/logger.ts";
import { migrate } from "#src/migrate.ts";
import { endWithMessage } from "#src/process.ts";

// A deploy step for deployments without a start of their own.

await endWithMessage(async () => {
  const config = readConfig(process.env, "not-needed-for-this");
  await migrate(config, createLogger(config.logLevel));
  process.stdout.write("The database is up to date.\n");
});

import { parseArgs } from "node:util";
import { ConfigError, readConfig } from "#src/config.ts";
import { createLogger } from "#src/infrastructure/logger.ts";
import { migrate, migrateAndGrant } from "#src/migrate.ts";
import { endWithMessage } from "#src/process.ts";

// A deploy step for deployments without a start of their own, and for roles that do not own the tables.

await endWithMessage(async () => {
  const { grants } = readArguments();
  const config = readConfig(process.env, "not-needed-for-this");
  const log = createLogger(config.logLevel);
  if (grants === undefined) {
    await migrate(config, log);
    process.stdout.write("The database is up to date.\n");
    return;
  }
  const statements = await migrateAndGrant(config, grants, log);
  process.stdout.write(
    "-- The database is up to date. Run these statements as the owner of its tables.\n" +
      `${statements.join("\n")}\n`,
  );
});

function readArguments() {
  try {
    return parseArgs({ options: { grants: { type: "string" } } }).values;
  } catch (cause) {
    throw new ConfigError(["Use `npm run db:migrate` or `npm run db:migrate -- --grants ROLE`."], {
      cause,
    });
  }
}

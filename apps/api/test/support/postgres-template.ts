import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client, Pool } from "pg";
import { startEmbeddedPostgres } from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";
import { migrateApp } from "#src/infrastructure/migrate.ts";
import { graphile } from "#src/jobs/infrastructure/graphile/graphile-provider.ts";
import {
  applyMigrations,
  outboxMigrations,
} from "#src/jobs/infrastructure/sql/apply-migrations.ts";

/** The URL of the server, for this process and its children. */
const POSTGRES_URL_VARIABLE = "ORBIT_TEST_POSTGRES_URL";

/** The database that test databases are copied from. Default: {@link DEFAULT_TEMPLATE}. */
export const TEMPLATE_VARIABLE = "ORBIT_TEST_TEMPLATE";

export const DEFAULT_TEMPLATE = "template";

/**
 * Starts one real Postgres for a test run, with a migrated database that test databases are copied from.
 * Resolves with the function that ends it.
 */
export async function startTestPostgres(): Promise<() => Promise<void>> {
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-test-"));
  const postgres = await startEmbeddedPostgres({
    directory,
    settings: { fsync: "off", max_connections: "400" },
  });
  process.env[POSTGRES_URL_VARIABLE] = postgres.url;
  await createTemplate(postgres.url, DEFAULT_TEMPLATE);
  return async () => {
    await postgres.stop();
    await rm(postgres.directory, { recursive: true, force: true });
    await rm(directory, { recursive: true, force: true });
  };
}

/**
 * Creates a database with all migrations. Closes its connections, because Postgres copies only unused databases.
 *
 * @param encoding for example LATIN1
 */
export async function createTemplate(
  server: string,
  name: string,
  encoding = "UTF8",
): Promise<void> {
  const admin = new Client({ connectionString: server });
  await admin.connect();
  await admin.query(`create database ${name} template template0 encoding '${encoding}'`);
  const template = new URL(server);
  template.pathname = `/${name}`;
  const pool = new Pool({ connectionString: template.href });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  await migrateApp(pool);
  await graphile({ databaseUrl: template.href }).migrate(pool);
  await applyMigrations(pool, outboxMigrations);
  await pool.end();
  await admin.end();
}

/** The URL of the test run's server. */
export function serverUrl(): string {
  const url = process.env[POSTGRES_URL_VARIABLE];
  if (url === undefined) throw new Error("startTestPostgres() was not called");
  return url;
}

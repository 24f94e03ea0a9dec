import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client, Pool } from "pg";
import { startEmbeddedPostgres } from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";
import { migrateApp } from "#src/infrastructure/migrate.ts";
import { migrateGraphile } from "#src/jobs/infrastructure/graphile/migrate.ts";
import { migrateQStash } from "#src/jobs/infrastructure/qstash/migrate.ts";

/** Where the server is, for this process and those it starts. */
const POSTGRES_URL_VARIABLE = "ORBIT_TEST_POSTGRES_URL";

/** The database that theirs are copies of, where it is not {@link DEFAULT_TEMPLATE}. */
export const TEMPLATE_VARIABLE = "ORBIT_TEST_TEMPLATE";

export const DEFAULT_TEMPLATE = "template";

/**
 * One real Postgres for a run of tests, with the database "template", which has all migrations and no
 * connections. Resolves with what ends it.
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

/** A database with all migrations and no connections. */
export async function createTemplate(server: string, name: string): Promise<void> {
  const admin = new Client({ connectionString: server });
  await admin.connect();
  await admin.query(`create database ${name}`);
  const template = new URL(server);
  template.pathname = `/${name}`;
  const pool = new Pool({ connectionString: template.href });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  await migrateApp(pool);
  await migrateGraphile(pool);
  await migrateQStash(pool);
  await pool.end();
  await admin.end();
}

/** The run's server, without a database of one's own. */
export function serverUrl(): string {
  const url = process.env[POSTGRES_URL_VARIABLE];
  if (url === undefined) throw new Error("startTestPostgres() was not called");
  return url;
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client, Pool } from "pg";
import { startEmbeddedPostgres } from "#/infrastructure/embedded-postgres/embedded-postgres.ts";
import { migrateApp } from "#/infrastructure/migrate.ts";
import { migrateGraphile } from "#/jobs/infrastructure/graphile/migrate.ts";
import { migrateQStash } from "#/jobs/infrastructure/qstash/migrate.ts";

/** Where `createTestDatabase` finds the server, in this process and in those it starts. */
export const POSTGRES_URL_VARIABLE = "ORBIT_TEST_POSTGRES_URL";

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
  const admin = new Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query("create database template");
  const template = new URL(postgres.url);
  template.pathname = "/template";
  const pool = new Pool({ connectionString: template.href });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  await migrateApp(pool);
  await migrateGraphile(pool);
  await migrateQStash(pool);
  await pool.end();
  await admin.end();
  process.env[POSTGRES_URL_VARIABLE] = postgres.url;
  return async () => {
    await postgres.stop();
    await rm(postgres.directory, { recursive: true, force: true });
    await rm(directory, { recursive: true, force: true });
  };
}

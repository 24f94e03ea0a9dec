import { randomUUID } from "node:crypto";
import { Client, escapeLiteral, Pool } from "pg";
import { z } from "zod";
import { DEFAULT_TEMPLATE, serverUrl, TEMPLATE_VARIABLE } from "./postgres-template.ts";

export interface TestDatabase {
  readonly url: string;
  readonly pool: Pool;
  drop(): Promise<void>;
}

/** Settings of every new test database, as JSON, for example `{"datestyle": "German"}`. */
export const SETTINGS_VARIABLE = "ORBIT_TEST_DATABASE_SETTINGS";

const settingsSchema = z.record(z.string(), z.string());

/** Creates a database on the test run's Postgres, by default with all migrations. */
export async function createTestDatabase(
  template = process.env[TEMPLATE_VARIABLE] ?? DEFAULT_TEMPLATE,
): Promise<TestDatabase> {
  const url = new URL(serverUrl());
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await onServer(`create database ${name} template ${template}`);
  const settings = settingsSchema.parse(JSON.parse(process.env[SETTINGS_VARIABLE] ?? "{}"));
  for (const [setting, value] of Object.entries(settings)) {
    await onServer(`alter database ${name} set ${setting} = ${escapeLiteral(value)}`);
  }
  url.pathname = `/${name}`;
  const pool = new Pool({ connectionString: url.href, max: 20 });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return {
    url: url.href,
    pool,
    async drop() {
      await pool.end();
      await onServer(`drop database ${name} with (force)`);
    },
  };
}

async function onServer(statement: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl() });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

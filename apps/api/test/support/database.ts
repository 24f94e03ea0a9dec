import { randomUUID } from "node:crypto";
import { Client, Pool } from "pg";
import { DEFAULT_TEMPLATE, serverUrl, TEMPLATE_VARIABLE } from "./postgres-template.ts";

export interface TestDatabase {
  readonly url: string;
  readonly pool: Pool;
  drop(): Promise<void>;
}

/** Creates a database on the test run's Postgres, by default with all migrations. */
export async function createTestDatabase(
  template = process.env[TEMPLATE_VARIABLE] ?? DEFAULT_TEMPLATE,
): Promise<TestDatabase> {
  const url = new URL(serverUrl());
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await onServer(`create database ${name} template ${template}`);
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

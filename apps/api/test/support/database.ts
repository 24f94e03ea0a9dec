import { randomUUID } from "node:crypto";
import { Client, escapeLiteral, Pool } from "pg";
import { z } from "zod";
import { usedByApp } from "#src/infrastructure/migrate.ts";
import { GRAPHILE_OBJECTS } from "#src/jobs/infrastructure/graphile/graphile-migrations.ts";
import { grantStatements } from "#src/jobs/infrastructure/sql/role-rights.ts";
import { DEFAULT_TEMPLATE, serverUrl, TEMPLATE_VARIABLE } from "./postgres-template.ts";

export interface TestDatabase {
  readonly url: string;
  readonly pool: Pool;
  drop(): Promise<void>;
}

/** Settings of every new test database, as JSON, for example `{"datestyle": "German"}`. */
export const SETTINGS_VARIABLE = "ORBIT_TEST_DATABASE_SETTINGS";

/** A role with the rights to run the app, and no more. Tests connect as it instead of as the owner. */
export const ROLE_VARIABLE = "ORBIT_TEST_DATABASE_ROLE";

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
  const role = process.env[ROLE_VARIABLE];
  if (role !== undefined) {
    await grantAll(url.href, role);
    url.username = role;
  }
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

/** Runs the statements of `db:migrate -- --grants`. The cases of the contract also create a table of their own. */
async function grantAll(databaseUrl: string, role: string): Promise<void> {
  const owner = new Pool({ connectionString: databaseUrl, max: 1 });
  try {
    const { tables, readOnly } = await usedByApp();
    const { schemas, readOnly: read } = GRAPHILE_OBJECTS;
    const used = { schemas, tables, readOnly: [...readOnly, ...read] };
    for (const statement of await grantStatements(owner, role, used)) await owner.query(statement);
    await owner.query(`grant create on schema public to ${role}`);
  } finally {
    await owner.end();
  }
}

/** Creates a role that may log in, with the password of the tests' owner. */
export async function createRole(name: string): Promise<void> {
  const password = decodeURIComponent(new URL(serverUrl()).password);
  await onServer(`create role ${name} login password ${escapeLiteral(password)}`);
}

import { readFile } from "node:fs/promises";
import type { Pool } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import type { SqlPool } from "#src/jobs/application/ports.ts";
import { graphile } from "#src/jobs/infrastructure/graphile/graphile-provider.ts";
import {
  JOB_ID_FLAG,
  RUN_BEGUN,
  SCHEDULED,
} from "#src/jobs/infrastructure/graphile/row-markers.ts";
import {
  applyMigrations,
  outboxMigrations,
} from "#src/jobs/infrastructure/sql/apply-migrations.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { createTestDatabase } from "../support/database.ts";
import { graphileParts } from "../support/graphile-parts.ts";
import { createUnreleasedSchema, type UnreleasedSet } from "../support/unreleased-schema.ts";

async function emptyDatabase() {
  const database = await createTestDatabase("template1");
  onTestFinished(() => database.drop());
  return database;
}

/** Migrates for both providers that use Postgres, as `npm run db:migrate` does. */
async function migrate(pool: SqlPool): Promise<void> {
  await graphile({ databaseUrl: "" }).migrate(pool);
  await applyMigrations(pool, outboxMigrations);
}

/** Each function by its signature, with its text but without comments and indentation. */
async function functionsOf(pool: Pool): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ signature: string; body: string }>(
    `select oid::regprocedure::text as signature, prosrc as body from pg_proc
      where pronamespace = 'orbit_jobs'::regnamespace order by 1`,
  );
  return new Map(
    rows.map(({ signature, body }) => [
      signature,
      body.replaceAll(/--.*$/gm, "").replaceAll(/\s+/g, " "),
    ]),
  );
}

/** Columns and indexes of all tables but the list of migrations. */
async function tablesOf(pool: Pool): Promise<unknown[]> {
  const { rows } = await pool.query<{ name: string; text: string }>(
    `select table_name || '.' || column_name as name, concat_ws(' ', data_type, is_nullable, column_default) as text
       from information_schema.columns where table_schema = 'orbit_jobs' and table_name <> 'schema_migrations'
     union all
     select indexname, indexdef from pg_indexes
      where schemaname = 'orbit_jobs' and tablename <> 'schema_migrations'
      order by 1`,
  );
  return z.array(z.unknown()).parse(rows);
}

async function appliedMigrations(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ migration: string }>(
    "select migration from orbit_jobs.schema_migrations order by 1",
  );
  return rows.map(({ migration }) => migration);
}

const ALL = [
  "common/0001_initial",
  "graphile/0001_initial",
  "graphile/0002_add_keyed",
  "graphile/0003_schedule_owners",
  "outbox/0001_initial",
];

/** Overloads that no code has called since the second unreleased version. */
const SUPERSEDED = [
  "orbit_jobs.enqueue_keyed(text,json,timestamp with time zone,integer,text)",
  "orbit_jobs.enqueue_many(text[],text[],timestamp with time zone[],integer[],text[])",
];

test("migrations run once, however many processes migrate at the same time", async () => {
  const { pool } = await emptyDatabase();
  await Promise.all(Array.from({ length: 6 }, () => migrate(pool)));
  await migrate(pool);
  expect(await appliedMigrations(pool)).toEqual(ALL);
});

describe("a database of the unreleased code", () => {
  const states: readonly (readonly UnreleasedSet[])[] = [
    ["common", "graphile", "qstash"],
    ["common", "graphile"],
    ["common", "qstash"],
  ];

  test.each(states.map((sets) => [sets] as const))(
    "with %s is taken over: it equals a new one, keeps its data and works",
    async (sets) => {
      const [old, fresh] = [await emptyDatabase(), await emptyDatabase()];
      await createUnreleasedSchema(old.pool, sets);
      await old.pool.query(
        `insert into orbit_jobs.dead_jobs (id, name, payload, attempts, max_attempts, last_error)
         values ('dead-1', 'contract.work', '"replayed"', 3, 3, 'fails')`,
      );
      await migrate(old.pool);
      await migrate(fresh.pool);

      expect(await appliedMigrations(old.pool)).toEqual(ALL);
      expect(await tablesOf(old.pool)).toEqual(await tablesOf(fresh.pool));
      const functions = await functionsOf(old.pool);
      for (const signature of SUPERSEDED) functions.delete(signature);
      expect(functions).toEqual(await functionsOf(fresh.pool));

      const runs = createProbe<string>();
      const job = contractJob("contract.work", async (payload, { jobId }) => {
        runs.report(`${JSON.stringify(payload)} ${jobId === "dead-1"}`);
        if (payload === "dies") throw new Error("dies");
      });
      const { queue, deadJobs, runtime } = graphileParts([job], old);
      await queue.enqueue("contract.work", "first", { jobKey: "k" });
      await queue.enqueue("contract.work", "absorbed", { jobKey: "k" });
      expect(await deadJobs.replay("dead-1")).toBe(true);
      await queue.enqueueMany([
        { name: "contract.work", payload: "dies", options: { maxAttempts: 1, jobKey: "dies" } },
      ]);
      await runtime.start();
      onTestFinished(() => runtime.stop());
      const seen = [await runs.next(), await runs.next(), await runs.next()];
      expect(seen.toSorted()).toEqual(['"dies" false', '"first" false', '"replayed" true']);
      await eventually("the last job is dead", async () => (await deadJobs.list(10)).length === 1);
      await runtime.stop();
      expect(await deadJobs.list(10)).toMatchObject([{ payload: '"dies"', lastError: "dies" }]);
    },
  );

  test("with fewer migrations is refused in one sentence and left as it is", async () => {
    const { pool } = await emptyDatabase();
    await createUnreleasedSchema(pool, ["common"]);
    await createUnreleasedSchema(pool, ["graphile"], 3);
    await expect(migrate(pool)).rejects.toThrow(
      "An unfinished version of Orbit Jobs made the table orbit_jobs.migrations. " +
        "Drop the schema orbit_jobs of this development database and start again.",
    );
    const { rows } = await pool.query("select from orbit_jobs.migrations");
    expect(rows).toHaveLength(3);
  });

  test("without its list of migrations is refused", async () => {
    const { pool } = await emptyDatabase();
    await createUnreleasedSchema(pool, ["common", "graphile"]);
    await pool.query("drop table orbit_jobs.migrations");
    await expect(migrate(pool)).rejects.toThrow(
      /made the table orbit_jobs\.workers\. Drop the schema/,
    );
  });
});

test("an enqueue of an earlier version and one of this version absorb each other", async () => {
  const database = await emptyDatabase();
  await migrate(database.pool);
  const { queue } = graphileParts([contractJob("contract.work", async () => undefined)], database);
  const enqueueAsBefore = (key: string) =>
    database.pool.query(
      "select from orbit_jobs.enqueue_keyed('contract.work', '1', now(), 10, 0, $1)",
      [`contract.work ${key}`],
    );
  await enqueueAsBefore("old first");
  expect(await queue.add("contract.work", 1, { jobKey: "old first" })).toMatchObject({
    absorbed: true,
  });
  expect(await queue.add("contract.work", 1, { jobKey: "new first" })).toMatchObject({
    absorbed: false,
  });
  await enqueueAsBefore("new first");
  const { rows } = await database.pool.query("select from graphile_worker._private_jobs");
  expect(rows).toHaveLength(2);
});

test("the SQL functions and the code use the same row markers", async () => {
  const folder = new URL("../../src/jobs/infrastructure/graphile/migrations/", import.meta.url);
  const sql = (await readFile(new URL("0001_initial.sql", folder), "utf8")).replaceAll(
    /--.*$/gm,
    "",
  );
  const literals = new Set([...sql.matchAll(/'([^']*)'/g)].map(([, text]) => text));
  expect(literals).toContain(RUN_BEGUN);
  expect(literals).toContain(SCHEDULED);
  expect(literals).toContain(JOB_ID_FLAG);
  expect(sql).toContain(`substr(flag, ${JOB_ID_FLAG.length + 1})`);
});

test("migrate() refuses a pool that is not pg's, and says which pool it needs", async () => {
  const { pool } = await emptyDatabase();
  const other: SqlPool = { query: (text) => pool.query(text), connect: () => pool.connect() };
  await expect(graphile({ databaseUrl: "" }).migrate(other)).rejects.toThrow(
    /a Pool of the package pg/,
  );
});

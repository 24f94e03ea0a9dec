import { expect, onTestFinished, test } from "vitest";
import { migrateApp } from "#src/infrastructure/migrate.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { openKillPoint } from "../support/kill-point.ts";
import { startProcess } from "../support/process.ts";

test("db:migrate reports that the database is up to date, or why it cannot be used", async () => {
  const database = await createTestDatabase();
  const run = async (url: string) => {
    const command = startProcess("src/db-migrate.ts", { DATABASE_URL: url });
    return { exit: await command.exit, said: command.stdout() + command.stderr() };
  };
  const [good, bad] = await Promise.all([
    run(database.url),
    run("postgres://a:s3cret@127.0.0.1:1/b"),
  ]);
  expect(good).toEqual({ exit: 0, said: "The database is up to date.\n" });
  expect(bad.exit).toBe(1);
  expect(bad.said).toContain("The database/b at 127.0.0.1:1 cannot be used");
  expect(bad.said).not.toContain("s3cret");
  await database.drop();
});

test("db:migrate reports a connection that breaks as its transaction begins", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  // Only a database that lacks a migration gets the BEGIN of this test.
  await recordMigrations(database, []);
  const point = await openKillPoint(database.url);
  onTestFinished(() => point.close());
  // While this lock is held the command waits. The next BEGIN is that of the migrations.
  const other = await database.pool.connect();
  await other.query("select pg_advisory_lock(hashtextextended('orbit.migrations', 0))");
  const command = startProcess("src/db-migrate.ts", { DATABASE_URL: point.url });
  onTestFinished(() => command.kill("SIGKILL"));
  await eventually("the command waits for the lock", async () => {
    const { rowCount } = await database.pool.query(
      `select from pg_locks where locktype = 'advisory' and not granted
          and database = (select oid from pg_database where datname = current_database())`,
    );
    return rowCount === 1;
  });
  const reached = point.holdAt("begin", "request");
  other.release(true);
  await reached;
  point.breakHeld();
  expect(await command.exit).toBe(1);
  expect(command.stderr()).toMatch(/The database\/\w+ at 127\.0\.0\.1:\d+ cannot be used/);
});

// The two migrations that the initial one replaces, as Drizzle recorded them.
const WORKSPACES = { hash: "of 0000_workspaces", when: 1_795_499_216_551 };
const BILLING = { hash: "of 0001_billing", when: 1_795_523_591_969 };

async function recordMigrations(
  { pool }: TestDatabase,
  migrations: readonly { hash: string; when: number }[],
): Promise<void> {
  await pool.query("truncate drizzle.__drizzle_migrations");
  for (const { hash, when } of migrations) {
    await pool.query(
      "insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)",
      [hash, when],
    );
  }
}

async function recorded({ pool }: TestDatabase): Promise<readonly string[]> {
  const { rows } = await pool.query<{ hash: string }>(
    "select hash from drizzle.__drizzle_migrations order by created_at",
  );
  return rows.map(({ hash }) => hash);
}

async function tables({ pool }: TestDatabase): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public' order by 1",
  );
  return rows.map(({ name }) => name);
}

/** The tables of the migrations after the initial one. */
const LATER_TABLES = "domain_events, workspace_activity";

test("a database with both earlier migrations keeps its rows and counts as migrated", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  await recordMigrations(database, [WORKSPACES, BILLING]);
  await database.pool.query(`drop table ${LATER_TABLES}`);
  await database.pool.query(
    "insert into workspaces values (gen_random_uuid(), 'acme', 'Acme', now())",
  );
  await migrateApp(database.pool);
  expect((await recorded(database)).slice(0, 2)).toEqual([WORKSPACES.hash, BILLING.hash]);
  const { rows } = await database.pool.query("select slug from workspaces");
  expect(rows).toEqual([{ slug: "acme" }]);
});

test("a database with only the first earlier migration is refused and left as it is", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  await recordMigrations(database, [WORKSPACES]);
  await database.pool.query("drop table billing_events, billing_subscriptions");
  const before = await tables(database);
  const command = startProcess("src/db-migrate.ts", { DATABASE_URL: database.url });
  expect(await command.exit).toBe(1);
  expect(command.stderr()).toMatch(
    /left its migrations unfinished; drop this development database/,
  );
  expect(await tables(database)).toEqual(before);
  expect(await recorded(database)).toEqual([WORKSPACES.hash]);
});

test("a database whose first start created only the migrations table is migrated", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const all = await tables(database);
  await recordMigrations(database, []);
  await database.pool.query(
    `drop table ${LATER_TABLES}, billing_events, billing_subscriptions, workspace_invites, workspaces`,
  );
  await migrateApp(database.pool);
  expect(await tables(database)).toEqual(all);
});

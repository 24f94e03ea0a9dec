import { expect, onTestFinished, test } from "vitest";
import { eventually } from "#src/jobs/testing/probe.ts";
import { createTestDatabase } from "../support/database.ts";
import { openKillPoint } from "../support/kill-point.ts";
import { startProcess } from "../support/process.ts";

test("db:migrate, a step of a deploy, says what it did or why it could not", async () => {
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

test("db:migrate says that its connection broke, also when it was about to begin", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const point = await openKillPoint(database.url);
  onTestFinished(() => point.close());
  // Until it is let go, the command waits for its turn: what begins then is the migrations' transaction.
  const other = await database.pool.connect();
  await other.query("select pg_advisory_lock(hashtextextended('orbit.migrations', 0))");
  const command = startProcess("src/db-migrate.ts", { DATABASE_URL: point.url });
  onTestFinished(() => command.kill("SIGKILL"));
  await eventually("it waits for its turn", async () => {
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

import { expect, onTestFinished, test } from "vitest";
import { openOwnedPool } from "#src/jobs/infrastructure/sql/owned-pool.ts";
import { createTestDatabase } from "../support/database.ts";

test("a pool that ends runs the statements that it was given, and opens again", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const pool = openOwnedPool(database.url);
  // More than the pool has connections, so that some wait for one.
  const running = Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      pool.query("select $1::int as index, pg_sleep(0.1)", [index]),
    ),
  );
  const ended = pool.end();
  const meanwhile = pool.query("select 1 as one", []);
  expect((await running).map(({ rows }) => rows)).toHaveLength(12);
  await ended;
  expect((await meanwhile).rows).toEqual([{ one: 1 }]);
  expect((await pool.query("select 2 as two", [])).rows).toEqual([{ two: 2 }]);
  await pool.end();
});

import { expect, test } from "vitest";
import { createTestDatabase } from "../support/database.ts";
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

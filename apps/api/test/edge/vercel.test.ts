import { expect, onTestFinished, test } from "vitest";
import { createVercelHandler } from "#/vercel.ts";
import { createTestDatabase } from "../support/database.ts";

const TOKEN = "token-of-the-function-in-the-tests";

test("the function serves the whole API", async () => {
  const database = await createTestDatabase();
  const handler = createVercelHandler({
    ORBIT_API_TOKEN: TOKEN,
    DATABASE_URL: database.url,
    LOG_LEVEL: "error",
  });
  onTestFinished(async () => {
    await handler.close();
    await database.drop();
  });
  const call = (path: string, init: RequestInit = {}) =>
    handler.fetch(new Request(`https://api.example.com${path}`, init));
  expect(await (await call("/health")).json()).toMatchObject({ database: "up" });
  const created = await call("/v1/workspaces", {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ slug: "acme", name: "Acme" }),
  });
  expect(created.status).toBe(201);
});

test("what cannot run there is refused, without a word of the configuration", async () => {
  const handler = createVercelHandler({
    ORBIT_API_TOKEN: TOKEN,
    DATABASE_URL: "postgres://app:s3cret@localhost/app",
    JOBS_PROVIDER: "graphile",
  });
  const answer = await handler.fetch(new Request("https://api.example.com/health"));
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toMatch(/graphile|s3cret/);
});

import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client } from "pg";
import { expect, test } from "vitest";
import { startEmbeddedPostgres } from "#/infrastructure/embedded-postgres/embedded-postgres.ts";

test("several first starts at once share one database", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-embedded-"));
  await chmod(directory, 0o755);
  const all = await Promise.all([1, 2, 3].map(() => startEmbeddedPostgres({ directory })));
  expect(new Set(all.map(({ url }) => url)).size).toBe(1);
  const client = new Client({ connectionString: all[0]?.url });
  await client.connect();
  const { rows } = await client.query<{ one: number }>("select 1 as one");
  expect(rows).toEqual([{ one: 1 }]);
  await client.end();
  for (const { stop } of all) await stop();
  await rm(all[0]?.directory ?? directory, { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true });
});

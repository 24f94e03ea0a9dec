import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client } from "pg";
import { expect, test } from "vitest";
import { startEmbeddedPostgres } from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";
import { adminClient } from "#src/infrastructure/embedded-postgres/running-postgres.ts";

test("concurrent first starts share one database, and a lost connection only rejects its query", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-embedded-"));
  await chmod(directory, 0o755);
  const all = await Promise.all([1, 2, 3].map(() => startEmbeddedPostgres({ directory })));
  expect(new Set(all.map(({ url }) => url)).size).toBe(1);
  const client = new Client({ connectionString: all[0]?.url });
  await client.connect();
  const { rows } = await client.query<{ one: number }>("select 1 as one");
  expect(rows).toEqual([{ one: 1 }]);
  await client.end();

  // A connection that ends during a query rejects the query and leaves this process alive.
  const { port, password } = new URL(all[0]?.url ?? "");
  const admin = adminClient(Number(port), password);
  await admin.connect();
  const ended = new Promise<void>((resolve) => void admin.once("end", resolve));
  await expect(admin.query("select pg_terminate_backend(pg_backend_pid())")).rejects.toThrow(
    /terminat/,
  );
  await ended;
  for (const { stop } of all) await stop();
  await rm(all[0]?.directory ?? directory, { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true });
});

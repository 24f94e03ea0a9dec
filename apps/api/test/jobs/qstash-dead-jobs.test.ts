import { expect, onTestFinished, test } from "vitest";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { qstash } from "#src/jobs/infrastructure/qstash/qstash-provider.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { bindProvider } from "../support/bind-provider.ts";
import { openQStashWorld } from "../support/qstash-harness.ts";

test("a replayed job that dies again before its replay has ended is listed as dead", async () => {
  let deaths = 0;
  const job = contractJob("contract.work", async () => {
    deaths += 1;
    throw new Error(`death ${deaths}`);
  });
  const world = await openQStashWorld([job]);
  onTestFinished(() => world.close());
  await world.runtime().start();
  await world.queue.enqueue("contract.work", 1, { maxAttempts: 1 });
  const diedOf = async (error: string) => (await world.deadJobs())[0]?.lastError === error;
  await eventually("it is dead", () => diedOf("death 1"));

  const sql: SqlExecutor = {
    async query(text, values) {
      if (text.startsWith("delete")) await eventually("it died again", () => diedOf("death 2"));
      return world.pool.query(text, [...values]);
    },
  };
  const { deadJobs: dead } = bindProvider(qstash(world.options), [job], { sql });
  const [first] = await dead.list(1);
  expect(await dead.replay(first?.id ?? "")).toBe(true);
  expect(await dead.list(10)).toMatchObject([{ id: first?.id, lastError: "death 2" }]);
});

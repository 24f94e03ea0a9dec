import { createServer } from "node:net";
import { once } from "node:events";
import { createQStashDev, type QStashDevOptions } from "@orbit/qstash-dev";
import { describe, type TestContext, test } from "vitest";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe } from "#src/jobs/testing/probe.ts";
import { untilSettled, skipBackOff } from "#src/jobs/testing/case-steps.ts";
import { createTestDatabase } from "../support/database.ts";
import { qstashParts } from "../support/kill-qstash.ts";
import { readEffects } from "../support/ledger-job.ts";
import { openQStashWorld } from "../support/qstash-harness.ts";

type OnTestFinished = Pick<TestContext, "onTestFinished">;

/** An app on a local QStash, without an instance that accepts deliveries. */
async function openApp({ onTestFinished }: OnTestFinished, options: QStashDevOptions = {}) {
  const database = await createTestDatabase();
  await readEffects(database.pool);
  const qstash = createQStashDev({ ...options, log: () => undefined });
  const parts = qstashParts({
    databaseUrl: database.url,
    qstashUrl: await qstash.start(),
    callbackUrl: "http://127.0.0.1:1",
  });
  onTestFinished(async () => {
    await parts.close();
    await qstash.close();
    await database.drop();
  });
  return {
    qstash,
    /** Enqueues in a transaction, which commits even if QStash is down. */
    enqueue: () => parts.transaction((tx) => tx.jobs.enqueue("contract.work", 1)),
    /** Sweeps the outbox as if every back-off in it had passed. */
    async sweep() {
      await database.pool.query("update orbit_jobs.job_outbox set claimed_until = '-infinity'");
      await parts.sweepOutbox();
    },
    async rows(table: "job_outbox" | "dead_jobs") {
      return (await database.pool.query(`select * from orbit_jobs.${table}`)).rows.length;
    },
    async death() {
      const { rows } = await database.pool.query<{ attempts: number; error: string }>(
        "select attempts, last_error as error from orbit_jobs.dead_jobs",
      );
      return rows[0];
    },
  };
}

describe.concurrent("while QStash is down", () => {
  test("an enqueue without an answer rejects within its timeout, with 503", async ({
    expect,
    onTestFinished,
  }) => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const parts = qstashParts({
      databaseUrl: "postgres://127.0.0.1:1/none",
      qstashUrl: `http://127.0.0.1:${port}`,
      callbackUrl: "http://127.0.0.1:1",
    });
    onTestFinished(async () => {
      await parts.close();
      silent.close();
    });
    const started = performance.now();
    await expect(parts.queue.enqueue("contract.work", 1)).rejects.toMatchObject({
      code: "jobs.provider_unavailable",
      status: 503,
    });
    expect(performance.now() - started).toBeLessThan(17_000);
  });

  test("a transaction commits, and its job leaves the outbox when QStash is back", async ({
    expect,
    onTestFinished,
  }) => {
    const app = await openApp({ onTestFinished });
    app.qstash.faults.set({ "answer-500": 1 });
    await app.enqueue();
    await app.sweep();
    expect(await app.rows("job_outbox")).toBe(1);
    app.qstash.faults.clear();
    await app.sweep();
    expect([await app.rows("job_outbox"), await app.rows("dead_jobs")]).toEqual([0, 0]);
  });

  test("no job in the outbox dies, neither of a long outage nor of a refused token", async ({
    expect,
    onTestFinished,
  }) => {
    const down = await openApp({ onTestFinished });
    down.qstash.faults.set({ "answer-429": 1 });
    await down.enqueue();
    const refusing = await openApp({ onTestFinished }, { token: "of-another-account" });
    await refusing.enqueue();
    for (let sweep = 2; sweep <= 12; sweep++) {
      await refusing.sweep();
      await down.sweep();
    }
    for (const app of [refusing, down]) {
      expect([await app.rows("job_outbox"), await app.rows("dead_jobs")]).toEqual([1, 0]);
    }
  });

  test("a job is delivered again if its next message cannot be published", async ({
    expect,
    onTestFinished,
  }) => {
    const attempts = createProbe<number>();
    const job = contractJob("contract.work", async (_payload, { attempt }) => {
      attempts.report(attempt);
      // The third failure hands the job on to a new message, whose publication fails.
      if (attempt === 3) world.qstash.faults.set({ "answer-500": { probability: 1, times: 1 } });
      if (attempt <= 3) throw new Error("not yet");
    });
    const world = await openQStashWorld([job]);
    onTestFinished(() => world.close());
    await world.runtime().start();
    await world.queue.enqueue("contract.work", 1);
    for (const attempt of [1, 2, 3]) {
      expect(await attempts.next()).toBe(attempt);
      await skipBackOff(world, attempt);
    }
    expect(await attempts.next()).toBe(4);
    await untilSettled(world);
    expect(await world.deadJobs()).toEqual([]);
  });
});

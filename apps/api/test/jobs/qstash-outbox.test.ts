import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import type { JsonValue } from "#src/jobs/application/job-types.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { qstash } from "#src/jobs/infrastructure/qstash/qstash-provider.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { bindProvider } from "../support/bind-provider.ts";
import { openQStashWorld } from "../support/qstash-harness.ts";
import { sweepOutbox } from "../support/qstash-options.ts";

/** A world whose instance reports its payloads, and whose outbox rows the test publishes. */
async function open(devOptions: Parameters<typeof openQStashWorld>[1] = {}) {
  const runs = createProbe<JsonValue>();
  const job = contractJob("contract.work", async (payload) => runs.report(payload));
  const world = await openQStashWorld([job], devOptions);
  onTestFinished(() => world.close());
  // The instance's own sweeps would interfere with the test's.
  const withoutOutbox: SqlExecutor = {
    query: (text, values) =>
      text.includes("job_outbox")
        ? Promise.reject(new Error("Only the test publishes the outbox."))
        : world.pool.query(text, [...values]),
  };
  await world.runtime({ sql: withoutOutbox }).start();
  const sweep = (query: SqlExecutor["query"], options = world.options) =>
    sweepOutbox(qstash(options), { sql: { query } });
  return {
    runs,
    world,
    sweep,
    query: (text: string, values: readonly unknown[] = []) => world.pool.query(text, [...values]),
    put: (payload: string, key: string | null) =>
      world.pool.query(
        `insert into orbit_jobs.job_outbox (id, name, version, payload, max_attempts, key)
         values (gen_random_uuid()::text, 'contract.work', 1, $1, 10, $2)`,
        [JSON.stringify(payload), key],
      ),
    keyIsFree: async () =>
      (await world.pool.query("select from orbit_jobs.job_keys")).rows.length === 0,
  };
}

test("a second publication does not take the key that the job's run has freed", async () => {
  const { runs, world, sweep, query, put, keyIsFree } = await open();
  await put("first", "k");
  // As if the process had died between the publication and the removal of the row.
  await sweep(async (text, values) => {
    if (text.startsWith("delete from orbit_jobs.job_outbox")) throw new Error("The process died.");
    return query(text, values);
  });
  expect(await runs.next()).toBe("first");
  await eventually("the key is free", keyIsFree);
  await query("update orbit_jobs.job_outbox set claimed_until = '-infinity'");
  await sweep(query);
  expect((await query("select from orbit_jobs.job_outbox")).rows).toEqual([]);
  expect(await keyIsFree()).toBe(true);
  await eventually("all is done", async () => (await world.pendingCount()) === 0);
  expect(runs.unread).toEqual([]);
});

test("a slow relay publishes nothing that another relay has published", async () => {
  const { runs, sweep, query, put, keyIsFree } = await open();
  await put("once", "k");
  const [claimed, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const sweeping = sweep(async (text, values) => {
    const result = await query(text, values);
    if (text.startsWith("update orbit_jobs.job_outbox jobs")) {
      claimed.resolve();
      await goOn.promise;
    }
    return result;
  });
  await claimed.promise;
  await query("update orbit_jobs.job_outbox set claimed_until = '-infinity'");
  await sweep(query);
  expect(await runs.next()).toBe("once");
  await eventually("the key is free", keyIsFree);
  goOn.resolve();
  await sweeping;
  expect(await keyIsFree()).toBe(true);
  expect(runs.unread).toEqual([]);
});

test("a relay that takes longer than a claim lasts keeps its claim", async () => {
  const { runs, sweep, query, put } = await open();
  await put("once", null);
  const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let renewals = 0;
  const sweeping = sweep(async (text, values) => {
    if (text.startsWith("delete from orbit_jobs.job_outbox")) {
      reached.resolve();
      await goOn.promise;
    }
    const result = await query(text, values);
    if (text.startsWith("update orbit_jobs.job_outbox set claimed_until")) renewals += 1;
    return result;
  });
  await reached.promise;
  // Four renewals take longer than a claim lasts.
  await eventually("the claim was renewed four times", async () => renewals >= 4);
  let claimedByOthers = 0;
  await sweep(async (text, values) => {
    const result = await query(text, values);
    claimedByOthers += result.rows.length;
    return result;
  });
  expect(claimedByOthers).toBe(0);
  goOn.resolve();
  await sweeping;
  expect(await runs.next()).toBe("once");
  expect((await query("select from orbit_jobs.job_outbox")).rows).toEqual([]);
});

test("a job stays in the outbox while QStash refuses the token", async () => {
  const { runs, world, sweep, query, put } = await open();
  await put("waits", null);
  for (let time = 0; time < 12; time++) {
    await query("update orbit_jobs.job_outbox set claimed_until = '-infinity'");
    await sweep(query, { ...world.options, token: "rotated" });
  }
  expect(await world.deadJobs()).toEqual([]);
  await query("update orbit_jobs.job_outbox set claimed_until = '-infinity'");
  await sweep(query);
  expect(await runs.next()).toBe("waits");
});

test("of two rows with one key the first is published, and both are removed", async () => {
  const { runs, world, sweep, query, put } = await open();
  await put("first", "k");
  await put("absorbed", "k");
  await put("keyless", null);
  await sweep(query);
  const seen = [await runs.next(), await runs.next()];
  expect(new Set(seen)).toEqual(new Set(["first", "keyless"]));
  await eventually("all is done", async () => (await world.pendingCount()) === 0);
  expect((await query("select from orbit_jobs.job_outbox")).rows).toEqual([]);
});

test("a job that QStash refuses ten times is dead, and does not hold up others", async () => {
  const { runs, world, sweep, query, put, keyIsFree } = await open({
    strict: true,
    plan: "free",
  });
  await put("x".repeat(2_000_000), "k");
  await put("small", null);
  for (let time = 0; time < 10; time++) {
    expect(await world.deadJobs()).toEqual([]);
    await query("update orbit_jobs.job_outbox set claimed_until = '-infinity'");
    await sweep(query);
  }
  expect(await runs.next()).toBe("small");
  expect(await world.deadJobs()).toMatchObject([{ attempts: 0 }]);
  expect(await keyIsFree()).toBe(true);
  expect((await query("select from orbit_jobs.job_outbox")).rows).toEqual([]);
});

test("an add in a transaction is answered before its key is taken", async () => {
  const { runs, world } = await open();
  const waiting = await world.queue.add("contract.work", "waits", {
    jobKey: "k",
    runAt: new Date(world.now().getTime() + 60_000),
  });
  const added = await world.transaction?.((tx) =>
    tx.jobs.add("contract.work", "absorbed after the commit", { jobKey: "k" }),
  );
  expect(added?.absorbed).toBe(false);
  expect(added?.id).not.toBe(waiting.id);
  await world.elapse(61);
  expect(await runs.next()).toBe("waits");
  await eventually("all is done", async () => (await world.pendingCount()) === 0);
  expect(runs.unread).toEqual([]);
});

test("after an add that failed, the next one has its id and stores the job", async () => {
  const { runs, world } = await open();
  world.qstash.faults.set({ "answer-500": { probability: 1, times: 1 } });
  const add = (payload: string) => world.queue.add("contract.work", payload, { jobKey: "k" });
  await expect(add("failed")).rejects.toMatchObject({ code: "jobs.provider_unavailable" });
  const { rows } = await world.pool.query<{ holder: string }>(
    "select holder from orbit_jobs.job_keys",
  );
  expect(await add("stored")).toEqual({ id: rows[0]?.holder, absorbed: true });
  expect(await runs.next()).toBe("stored");
});

test("the replay of a job that died before its runAt runs at once", async () => {
  const { runs, world, sweep, query, put } = await open({ strict: true, plan: "free" });
  await put("x".repeat(2_000_000), null);
  await query("update orbit_jobs.job_outbox set run_at = now() + interval '300 days'");
  for (let time = 0; time < 10; time++) {
    await query("update orbit_jobs.job_outbox set claimed_until = '-infinity'");
    await sweep(query);
  }
  const { rows } = await query("select id from orbit_jobs.dead_jobs");
  expect(rows).toHaveLength(1);
  // QStash takes this payload.
  await query(`update orbit_jobs.dead_jobs set payload = '"mended"'`);
  const { deadJobs } = bindProvider(
    qstash(world.options),
    [contractJob("contract.work", async () => undefined)],
    {
      sql: { query },
    },
  );
  expect(await deadJobs.replay(z.object({ id: z.string() }).parse(rows[0]).id)).toBe(true);
  expect(await runs.next()).toBe("mended");
});

import { expect, onTestFinished, test } from "vitest";
import type { JsonValue } from "#src/jobs/application/json.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { buildOutboxRelay } from "#src/jobs/feature.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { openQStashWorld } from "../support/qstash-harness.ts";
import { silentLog } from "../support/silent-log.ts";

/** A world whose worker reports its payloads, and rows of the outbox that nobody has published. */
async function open(options: Parameters<typeof openQStashWorld>[1] = {}) {
  const runs = createProbe<JsonValue>();
  const job = contractJob("contract.work", async (payload) => runs.report(payload));
  const world = await openQStashWorld([job], options);
  onTestFinished(() => world.close());
  await world.runtime().start();
  const relayWith = (query: SqlExecutor["query"], config = world.config) => {
    const relay = buildOutboxRelay(config, { sql: { query }, log: silentLog });
    if (!relay) throw new Error("qstash has a relay");
    return relay;
  };
  return {
    runs,
    world,
    relayWith,
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

test("a row that is published twice does not take a key that its run has freed", async () => {
  const { runs, world, relayWith, query, put, keyIsFree } = await open();
  await put("first", "k");
  // As if the process had died between publication and the removal of the row.
  const dying = relayWith(async (text, values) => {
    if (text.startsWith("delete from orbit_jobs.job_outbox")) throw new Error("it has died");
    return query(text, values);
  });
  await dying.sweep();
  expect(await runs.next()).toBe("first");
  await eventually("the key is free", keyIsFree);
  await query("update orbit_jobs.job_outbox set claimed_until = '-infinity'");
  await relayWith(query).sweep();
  expect((await query("select from orbit_jobs.job_outbox")).rows).toEqual([]);
  expect(await keyIsFree()).toBe(true);
  await eventually("all is done", async () => (await world.pendingCount()) === 0);
  expect(runs.unread).toEqual([]);
});

test("a relay that was slow publishes nothing that another has published meanwhile", async () => {
  const { runs, relayWith, query, put, keyIsFree } = await open();
  await put("once", "k");
  const [claimed, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow = relayWith(async (text, values) => {
    const result = await query(text, values);
    if (text.startsWith("update orbit_jobs.job_outbox jobs")) {
      claimed.resolve();
      await goOn.promise;
    }
    return result;
  });
  const sweeping = slow.sweep();
  await claimed.promise;
  await query("update orbit_jobs.job_outbox set claimed_until = '-infinity'");
  await relayWith(query).sweep();
  expect(await runs.next()).toBe("once");
  await eventually("the key is free", keyIsFree);
  goOn.resolve();
  await sweeping;
  expect(await keyIsFree()).toBe(true);
  expect(runs.unread).toEqual([]);
});

test("a token that QStash does not accept kills no job, however often", async () => {
  const { runs, world, relayWith, query, put } = await open();
  await put("waits", null);
  if (world.config.provider !== "qstash") throw new Error("this is qstash");
  const wrong = relayWith(query, { ...world.config, token: "rotated" });
  for (let time = 0; time < 12; time++) {
    await query("update orbit_jobs.job_outbox set claimed_until = '-infinity'");
    await wrong.sweep();
  }
  expect(await world.deadJobs()).toEqual([]);
  await query("update orbit_jobs.job_outbox set claimed_until = '-infinity'");
  await relayWith(query).sweep();
  expect(await runs.next()).toBe("waits");
});

test("of two rows with one key the first is the one, and both are gone", async () => {
  const { runs, world, relayWith, query, put } = await open();
  await put("first", "k");
  await put("absorbed", "k");
  await put("keyless", null);
  await relayWith(query).sweep();
  const seen = [await runs.next(), await runs.next()];
  expect(new Set(seen)).toEqual(new Set(["first", "keyless"]));
  await eventually("all is done", async () => (await world.pendingCount()) === 0);
  expect((await query("select from orbit_jobs.job_outbox")).rows).toEqual([]);
});

test("what QStash will never take is dead after ten refusals, and holds up nothing", async () => {
  const { runs, world, relayWith, query, put, keyIsFree } = await open({
    strict: true,
    plan: "free",
  });
  await put("x".repeat(2_000_000), "k");
  await put("small", null);
  const relay = relayWith(query);
  for (let time = 0; time < 10; time++) {
    expect(await world.deadJobs()).toEqual([]);
    await query("update orbit_jobs.job_outbox set claimed_until = '-infinity'");
    await relay.sweep();
  }
  expect(await runs.next()).toBe("small");
  expect(await world.deadJobs()).toMatchObject([{ attempts: 0 }]);
  expect(await keyIsFree()).toBe(true);
  expect((await query("select from orbit_jobs.job_outbox")).rows).toEqual([]);
});

import { describe, expect, onTestFinished, test, vi } from "vitest";
import { PermanentJobError } from "#src/jobs/application/job-errors.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { cronItems } from "#src/jobs/infrastructure/graphile/cron-items.ts";
import { payloadOf } from "#src/jobs/infrastructure/graphile/row-markers.ts";
import { contractCases } from "#src/jobs/testing/cases/index.ts";
import type { ContractHarness, ContractWorld } from "#src/jobs/testing/contract-harness.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { contractTests } from "#src/jobs/testing/contract-tests.ts";
import { work } from "#src/jobs/testing/case-steps.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { startTestApp } from "../support/app.ts";
import { waitingProjections } from "../support/billing.ts";
import { useEncoding } from "../support/encoded-databases.ts";
import { graphileHarness, openGraphileWorld } from "../support/graphile-harness.ts";
import { qstashHarness } from "../support/qstash-harness.ts";
import { deliver, stripeEvent, WEBHOOK_SECRET } from "../support/stripe.ts";

// LATIN1 has an é and no →. database-encodings.long.test.ts runs the whole contract on other encodings.

vi.setConfig({ maxConcurrency: 8 });
await useEncoding("LATIN1");

const { dead = [], transactions = [], delivery = [] } = contractCases;
const values = delivery.filter(({ title }) => title.startsWith("every JSON value"));
for (const harness of [graphileHarness, qstashHarness]) {
  contractTests(`${harness.provider.name} on LATIN1`, harness, { dead, transactions, values });
}

async function open(harness: ContractHarness, ...jobs: Parameters<ContractHarness["open"]>[0]) {
  const world = await harness.open(jobs);
  onTestFinished(() => world.close());
  return world;
}

const someAreDead = (world: ContractWorld, count: number) =>
  eventually("they are dead", async () => (await world.deadJobs()).length === count);

describe.each([graphileHarness, qstashHarness])("$provider.name", (harness) => {
  test("errors that the encoding lacks fail their own jobs, and a neighbour goes on", async () => {
    const end = Promise.withResolvers<void>();
    onTestFinished(() => end.resolve());
    const neighbour = { runs: 0, aborted: false };
    const failing = contractJob("contract.work", async (payload) => {
      if (payload === "permanent") throw new PermanentJobError("never → x");
      throw new Error(payload === "é" ? "fühlt é" : "failed → x");
    });
    const waiting = contractJob("contract.other", async (_payload, { signal }) => {
      neighbour.runs += 1;
      await end.promise;
      neighbour.aborted = signal.aborted;
    });
    const world = await open(harness, failing, waiting);
    await work(world, { concurrency: 3 });
    await world.queue.enqueue("contract.other", 0);
    await world.queue.enqueue("contract.work", "→", { maxAttempts: 3 });
    await world.queue.enqueue("contract.work", "permanent");
    await world.queue.enqueue("contract.work", "é", { maxAttempts: 1 });
    await eventually("all have ended", async () => {
      await world.elapse(10);
      return (await world.deadJobs()).length === 3;
    });
    const died = (await world.deadJobs()).map(({ lastError, attempts }) => [lastError, attempts]);
    expect(Object.fromEntries(died)).toEqual({
      "failed \\u2192 x": 3,
      "fühlt é": 1,
      "never \\u2192 x": 1,
    });
    end.resolve();
    await eventually("the neighbour is done", async () => (await world.pendingCount()) === 0);
    expect(neighbour).toEqual({ runs: 1, aborted: false });
  });

  test("payloads and keys may have any character, also in a transaction, and a dead job keeps its payload", async () => {
    const runs = createProbe<unknown>();
    const job = contractJob("contract.work", async (payload) => {
      runs.report(payload);
      throw new PermanentJobError("never");
    });
    const world = await open(harness, job);
    const payload = { "→": "漢 🌍 é \0" };
    await world.queue.enqueue("contract.work", payload, { jobKey: "key →" });
    await world.queue.enqueueMany([
      { name: "contract.work", payload, options: { jobKey: "key →" } },
      { name: "contract.work", payload: "é", options: { jobKey: "key é" } },
    ]);
    await world.transaction?.((tx) => tx.jobs.enqueue("contract.work", payload));
    await work(world);
    const seen = [await runs.next(), await runs.next(), await runs.next()];
    expect(seen.filter((one) => one !== "é")).toEqual([payload, payload]);
    await someAreDead(world, 3);
    const died = (await world.dead?.list(10)) ?? [];
    expect(died.map((one): unknown => JSON.parse(one.payload))).toEqual(
      expect.arrayContaining([payload, payload, "é"]),
    );
    // No id has such a character.
    expect(await world.dead?.replay("→")).toBe(false);
    expect(await world.dead?.remove("→")).toBe(false);
  });
});

describe("graphile", () => {
  test("a scheduled payload that Postgres cannot store stops no other schedule", async () => {
    const runs = createProbe<unknown>();
    const payload = { "→": "\0 \uD800 🌍" };
    const schedule = { cron: "* * * * *", backfill: 180_000 };
    const odd = contractJob(
      "contract.work",
      async (given) => {
        runs.report(given);
        throw new PermanentJobError("never");
      },
      { schedule: { ...schedule, payload } },
    );
    const plain = contractJob("contract.other", async (given) => runs.report(given), {
      schedule: { ...schedule, payload: "plain" },
    });
    const world = await openGraphileWorld([odd, plain]);
    onTestFinished(() => world.close());
    await world.missMinutes(1);
    await work(world);
    expect([await runs.next(), await runs.next()]).toEqual(
      expect.arrayContaining([payload, "plain"]),
    );
    await eventually("it is dead", async () => (await world.deadJobs()).length > 0);
    const [died] = (await world.dead?.list(1)) ?? [];
    expect(JSON.parse(died?.payload ?? "")).toEqual(payload);
    // Ticks that are not missed go through a statement of graphile-worker, which looks into the payloads.
    const items = cronItems(buildJobs([odd, plain]), false).map((item) => ({
      payload: item.payload,
    }));
    const { rows } = await world.pool.query<{ payload: object }>(
      "select json -> 'payload' as payload from json_array_elements($1::json) as items (json)",
      [JSON.stringify(items)],
    );
    expect(rows.map((row) => payloadOf({ payload: { ...row.payload, _cron: {} } }))).toEqual([
      payload,
      "plain",
    ]);
  });
});

describe("the app", () => {
  async function start() {
    const app = await startTestApp({ STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET });
    onTestFinished(() => app.close());
    return app;
  }

  test("text that the encoding lacks is refused, and is found nowhere", async () => {
    const app = await start();
    const refused = { status: 422, body: { error: { code: "request.invalid" } } };
    const named = (name: string) => app.request("POST", "/v1/workspaces", { slug: "acme", name });
    expect(await named("Acme → Co")).toMatchObject(refused);
    expect(await named("Acmé")).toMatchObject({ status: 201 });
    const arrow = encodeURIComponent("→");
    expect(await app.request("GET", `/v1/workspaces/${arrow}/invites`)).toMatchObject(refused);
    expect(await app.request("POST", `/v1/invites/${arrow}/accept`)).toMatchObject(refused);
    expect(await app.request("GET", `/v1/billing/subscriptions/${arrow}`)).toMatchObject(refused);
    const after = encodeURIComponent("2026-01-01T00:00:00.000Z →");
    expect(await app.request("GET", `/v1/jobs/dead?after=${after}`)).toMatchObject(refused);
    expect(await app.request("DELETE", `/v1/jobs/dead/${arrow}`)).toMatchObject({ status: 404 });
    expect(await app.request("GET", "/health")).toMatchObject({ body: { database: "up" } });
  });

  test("an event of Stripe with any characters is stored and projected", async () => {
    const app = await start();
    const event = stripeEvent({ subscription: { description: "→ 漢" } });
    expect(await deliver(app, event)).toMatchObject({ status: 200, body: { processed: true } });
    expect(await waitingProjections(app)).toHaveLength(1);
    await app.container.jobs.runtime.start();
    await eventually("it is projected", async () => {
      const { status } = await app.request("GET", "/v1/billing/subscriptions/sub_1");
      return status === 200;
    });
  });
});

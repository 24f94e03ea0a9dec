import { afterAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { contractCases } from "#src/jobs/testing/cases/index.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { contractTests } from "#src/jobs/testing/contract-tests.ts";
import { work } from "#src/jobs/testing/case-steps.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { startTestApp } from "../support/app.ts";
import { project } from "../support/billing.ts";
import { SETTINGS_VARIABLE } from "../support/database.ts";
import { graphileHarness, openGraphileWorld } from "../support/graphile-harness.ts";
import { qstashHarness } from "../support/qstash-harness.ts";
import { CREATED, WEBHOOK_SECRET } from "../support/stripe.ts";

/** Defaults of a database that change how values look as text. */
const SETTINGS = {
  datestyle: "SQL, DMY",
  timezone: "Asia/Kathmandu",
  intervalstyle: "sql_standard",
  extra_float_digits: "-15",
  bytea_output: "escape",
  standard_conforming_strings: "off",
  array_nulls: "off",
};

vi.stubEnv(SETTINGS_VARIABLE, JSON.stringify(SETTINGS));
vi.setConfig({ maxConcurrency: 8 });
afterAll(() => void vi.unstubAllEnvs());

// database-settings.long.test.ts runs the whole contract on other settings.
const { transactions = [], dead = [] } = contractCases;
for (const harness of [graphileHarness, qstashHarness]) {
  const label = `${harness.provider.name}, with settings that change values as text`;
  contractTests(label, harness, { transactions, dead });
}

test("a new schedule makes up nothing at the second start", async () => {
  const job = contractJob("contract.work", async () => undefined, {
    schedule: { cron: "* * * * *", payload: 1, backfill: 30 * 60_000 },
  });
  const world = await openGraphileWorld([job]);
  try {
    for (let start = 1; start <= 2; start++) {
      const runtime = await work(world);
      await eventually("the schedule is known", async () => (await crontabs(world.pool)) === 1);
      await runtime.stop();
    }
    const { rows } = await world.pool.query(
      "select from graphile_worker._private_jobs where (payload -> '_cron' ->> 'backfilled')::boolean",
    );
    expect(rows).toEqual([]);
  } finally {
    await world.close();
  }
});

test("invites expire and events are projected at the times that were stored", async () => {
  const app = await startTestApp({ STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET });
  try {
    // Day and month of this time can be swapped.
    app.clock.time = new Date("2026-04-07T23:30:00.123Z");
    await app.request("POST", "/v1/workspaces", { slug: "acme", name: "Acme" });
    const invites = "/v1/workspaces/acme/invites";
    await app.request("POST", invites, { email: "ann@example.com" });
    expect(await app.request("GET", invites)).toMatchObject({
      body: {
        invites: [
          {
            status: "pending",
            createdAt: "2026-04-07T23:30:00.123Z",
            expiresAt: "2026-04-21T23:30:00.123Z",
          },
        ],
      },
    });
    app.clock.time = undefined;
    await app.container.jobs.runtime.start();
    await project(app, { id: "evt_1" });
    const source = { eventId: "evt_1", createdAt: new Date(CREATED * 1_000).toISOString() };
    expect(await app.request("GET", "/v1/billing/subscriptions/sub_1")).toMatchObject({
      body: { subscription: { source } },
    });
  } finally {
    await app.close();
  }
});

async function crontabs(pool: {
  query(text: string): Promise<{ rows: unknown[] }>;
}): Promise<number> {
  const { rows } = await pool.query(
    "select count(*)::int as count from graphile_worker._private_known_crontabs",
  );
  return z.tuple([z.object({ count: z.number() })]).parse(rows)[0].count;
}

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "#src/jobs/testing/probe.ts";
import type { TestApp } from "../support/app.ts";
import { countRows, project, startBillingApp, stateOf } from "../support/billing.ts";
import { CREATED, deliver, type EventFacts, stripeEvent } from "../support/stripe.ts";

let app: TestApp;

beforeEach(async () => {
  app = await startBillingApp();
  await app.container.jobs.runtime.start();
});
afterEach(() => app.close());

const created = { id: "evt_c", type: "customer.subscription.created", created: CREATED };
const deleted = {
  id: "evt_a",
  type: "customer.subscription.deleted",
  created: CREATED,
  subscription: { status: "canceled" },
};
const at = (id: string, seconds: number, status: string): EventFacts => ({
  id,
  created: CREATED + seconds,
  subscription: { status },
});

describe("events projected in any order leave the newest state:", () => {
  test.each([
    [
      "a later event wins",
      at("evt_z", 0, "active"),
      at("evt_a", 1, "past_due"),
      "past_due by evt_a",
    ],
    ["a deletion wins within its second", at("evt_z", 0, "active"), deleted, "canceled by evt_a"],
    [
      "a deletion loses to a later second",
      deleted,
      at("evt_z", 1, "canceled"),
      "canceled by evt_z",
    ],
    ["a creation loses within its second", created, at("evt_a", 0, "active"), "active by evt_a"],
  ])("%s", async (_title, older, newer, state) => {
    await project(app, older, newer);
    expect(await stateOf(app)).toBe(state);
    await app.database.pool.query("truncate billing_events, billing_subscriptions");
    await app.database.pool.query("truncate orbit_jobs.processed");
    await project(app, newer, older);
    expect(await stateOf(app)).toBe(state);
    expect(await countRows(app, "billing_subscriptions")).toBe(1);
  });

  test("of two updates within a second the one received later wins", async () => {
    await app.container.jobs.runtime.stop();
    const now = Date.now();
    for (const [index, facts] of [at("evt_z", 0, "trialing"), at("evt_a", 0, "active")].entries()) {
      app.clock.time = new Date(now + index);
      await deliver(app, stripeEvent(facts));
    }
    const run = (id: string, due: string) =>
      app.database.pool.query(
        `update graphile_worker._private_jobs set run_at = now() + $2::interval where key like '%' || $1`,
        [id, due],
      );
    await run("evt_z", "1 hour");
    await app.container.jobs.runtime.start();
    await eventually(
      "one event is projected",
      async () => (await countRows(app, "orbit_jobs.processed")) === 1,
    );
    expect(await stateOf(app)).toBe("active by evt_a");
    await run("evt_z", "0");
    await eventually(
      "both events are projected",
      async () => (await countRows(app, "orbit_jobs.processed")) === 2,
    );
    expect(await stateOf(app)).toBe("active by evt_a");
  });
});

test("many concurrent events of one subscription leave the newest state", async () => {
  const all = Array.from({ length: 30 }, (_, n) =>
    at(`evt_${n}`, (n * 7) % 30, `s_${"i".repeat(n)}`),
  );
  const newest = all.find((facts) => facts.created === CREATED + 29);
  await Promise.all(all.map((facts) => deliver(app, stripeEvent(facts))));
  await eventually(
    "all events are projected",
    async () => (await countRows(app, "orbit_jobs.processed")) === 30,
  );
  expect(await stateOf(app)).toMatch(new RegExp(` by ${newest?.id}$`));
});

import { addDays } from "date-fns/addDays";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { eventually } from "#src/jobs/testing/probe.ts";
import type { TestApp } from "../support/app.ts";
import { countRows, NEW, project, REPLAY, startBillingApp, stateOf } from "../support/billing.ts";
import { CREATED, deliver, stripeEvent } from "../support/stripe.ts";

let app: TestApp;

beforeEach(async () => {
  app = await startBillingApp();
  await app.container.jobs.runtime.start();
});
afterEach(() => app.close());

test("an event becomes the state of its subscription, shown to callers with the token", async () => {
  await project(app, { id: "evt_1", subscription: { cancel_at_period_end: true } });
  const path = "/v1/billing/subscriptions/sub_1";
  expect(await app.request("GET", path)).toMatchObject({
    status: 200,
    body: {
      subscription: {
        id: "sub_1",
        customerId: "cus_1",
        status: "active",
        priceId: "price_1",
        productId: "prod_1",
        currentPeriodEnd: new Date((CREATED + 86_400) * 1_000).toISOString(),
        cancelAtPeriodEnd: true,
        source: { eventId: "evt_1", createdAt: new Date(CREATED * 1_000).toISOString() },
        updatedAt: expect.stringMatching(/Z$/) as unknown,
      },
    },
  });
  const stranger = { authorization: "Bearer of-another-service" };
  expect((await app.request("GET", path, undefined, stranger)).status).toBe(401);
  const other = await app.request("GET", "/v1/billing/subscriptions/sub_2");
  expect(other).toMatchObject({
    status: 404,
    body: { error: { code: "billing.subscription_not_found" } },
  });
});

test("the memory provider projects events as well", async () => {
  const other = await startBillingApp({ JOBS_PROVIDER: "memory" });
  await other.container.jobs.runtime.start();
  const event = stripeEvent({ id: "evt_1" });
  expect(await deliver(other, event)).toMatchObject(NEW);
  expect(await deliver(other, event)).toMatchObject(REPLAY);
  await eventually("the event is projected", async () => {
    const { status } = await other.request("GET", "/v1/billing/subscriptions/sub_1");
    return status === 200;
  });
  await other.close();
});

test("older API versions, expanded objects and subscriptions without items are readable", async () => {
  const items = [{ price: { id: "price_2", product: { id: "prod_2", object: "product" } } }];
  const customer = { id: "cus_2", object: "customer" };
  await project(app, {
    subscription: { customer, current_period_end: CREATED + 5, items: { data: items } },
  });
  const row = "select customer_id, price_id, product_id from billing_subscriptions";
  expect((await app.database.pool.query(row)).rows).toEqual([
    { customer_id: "cus_2", price_id: "price_2", product_id: "prod_2" },
  ]);
  await project(app, { created: CREATED + 1, subscription: { items: undefined } });
  expect((await app.database.pool.query(row)).rows).toMatchObject([{ price_id: null }]);
});

test("a second run for the same event changes nothing", async () => {
  await project(app, { id: "evt_1" });
  await app.database.pool.query("delete from billing_subscriptions");
  await app.container.jobs.queue.enqueue("billing.events.project", { eventId: "evt_1" });
  await eventually(
    "the job has run",
    async () => (await countRows(app, "graphile_worker._private_jobs")) === 0,
  );
  expect(await countRows(app, "billing_subscriptions")).toBe(0);
  expect(await deadJobs()).toEqual([]);
});

const dead = z.object({ jobs: z.array(z.object({ id: z.string(), lastError: z.string() })) });

async function deadJobs() {
  return dead.parse((await app.request("GET", "/v1/jobs/dead")).body).jobs;
}

test("an unreadable event makes a dead job, and a replay projects it once it is readable", async () => {
  const payload = stripeEvent({ id: "evt_1", subscription: { customer: 5 } });
  expect(await deliver(app, payload)).toMatchObject({ status: 200 });
  await eventually("the job is dead", async () => (await deadJobs()).length === 1);
  const [job] = await deadJobs();
  expect(job?.lastError).toMatch(/^event evt_1 is unreadable: [^]*customer/);
  expect(await countRows(app, "billing_events where processed_at is null")).toBe(1);
  // In production new code would read the event; this test changes the event instead.
  await app.database.pool.query("update billing_events set payload = $1", [
    stripeEvent({ id: "evt_1" }),
  ]);
  expect((await app.request("POST", `/v1/jobs/dead/${job?.id}/replay`)).status).toBe(202);
  await eventually(
    "the event is projected",
    async () => (await countRows(app, "billing_subscriptions")) === 1,
  );
  expect(await stateOf(app)).toBe("active by evt_1");
});

test("a job for an event that is not stored dies at once", async () => {
  await app.container.jobs.queue.enqueue("billing.events.project", { eventId: "evt_nowhere" });
  await eventually("the job is dead", async () => (await deadJobs()).length === 1);
  expect((await deadJobs())[0]?.lastError).toBe("event evt_nowhere is not stored");
});

test("an hourly job prunes old events, except unprocessed ones", async () => {
  await project(app, { id: "evt_old" }, { id: "evt_paid", type: "invoice.paid" });
  await deliver(app, stripeEvent({ id: "evt_stuck", subscription: { status: 5 } }));
  app.clock.time = addDays(new Date(), 91);
  await deliver(app, stripeEvent({ id: "evt_new" }));
  await eventually("the job is dead", async () => (await deadJobs()).length === 1);
  await app.container.jobs.queue.enqueue("billing.events.prune", { olderThanDays: 90 });
  await eventually(
    "the old events are pruned",
    async () => (await countRows(app, "billing_events")) === 2,
  );
  expect(await countRows(app, "billing_events where id in ('evt_stuck', 'evt_new')")).toBe(2);
  expect(await countRows(app, "billing_subscriptions")).toBe(1);
  expect((await app.request("GET", "/v1/jobs")).body).toMatchObject({
    jobs: expect.arrayContaining([
      expect.objectContaining({
        name: "billing.events.prune",
        schedule: { cron: "41 * * * *", timezone: "UTC" },
      }),
    ]) as unknown,
  });
});

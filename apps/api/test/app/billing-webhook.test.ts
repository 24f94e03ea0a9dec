import { afterEach, beforeEach, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import {
  NEW,
  REPLAY,
  startBillingApp,
  storedEvents,
  waitingProjections,
} from "../support/billing.ts";
import { deliver, stripeEvent, WEBHOOK_PATH } from "../support/stripe.ts";

let app: TestApp;

beforeEach(async () => {
  app = await startBillingApp();
});
afterEach(() => app.close());

test("an event is stored exactly as signed, with the job that projects it", async () => {
  const payload = stripeEvent({ id: "evt_1" });
  expect(await deliver(app, payload)).toMatchObject(NEW);
  expect(await storedEvents(app)).toEqual([
    { id: "evt_1", type: "customer.subscription.updated", payload, processed_at: null },
  ]);
  expect(await waitingProjections(app)).toEqual([{ eventId: "evt_1" }]);
});

test("a repeated delivery is answered as such and changes nothing", async () => {
  const payload = stripeEvent({ id: "evt_1" });
  await deliver(app, payload);
  const other = stripeEvent({ id: "evt_1", subscription: { status: "canceled" } });
  for (const again of [payload, payload, other]) {
    expect(await deliver(app, again)).toMatchObject(REPLAY);
  }
  expect(await storedEvents(app)).toMatchObject([{ payload }]);
  expect(await waitingProjections(app)).toHaveLength(1);
});

test("concurrent deliveries of one event make one row and one job", async () => {
  const payload = stripeEvent({ id: "evt_1" });
  const answers = await Promise.all(Array.from({ length: 20 }, () => deliver(app, payload)));
  const processed = answers.filter(({ body }) => JSON.stringify(body).includes("true}"));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(processed).toHaveLength(1);
  expect(await storedEvents(app)).toHaveLength(1);
  expect(await waitingProjections(app)).toHaveLength(1);
});

test("an event of another type is stored without a job", async () => {
  const payload = stripeEvent({ type: "invoice.paid" });
  expect(await deliver(app, payload)).toMatchObject(NEW);
  expect(await deliver(app, payload)).toMatchObject(REPLAY);
  expect(await storedEvents(app)).toMatchObject([{ processed_at: expect.any(Date) as unknown }]);
  expect(await waitingProjections(app)).toEqual([]);
});

test("U+0000 and lone surrogates in an event are stored unchanged", async () => {
  const payload = stripeEvent({
    subscription: { description: "a\0b\ud800", metadata: { "\0": "" } },
  });
  expect(payload).toContain(String.raw`\u0000`);
  expect(await deliver(app, payload)).toMatchObject(NEW);
  expect(await storedEvents(app)).toMatchObject([{ payload }]);
});

test("a body at the limit is accepted and a larger one refused", async () => {
  const filled = (bytes: number) => {
    const rest = stripeEvent({ subscription: { description: "" } }).length;
    return stripeEvent({ subscription: { description: "x".repeat(bytes - rest) } });
  };
  expect(await deliver(app, filled(262_144))).toMatchObject(NEW);
  expect(await deliver(app, filled(262_145))).toMatchObject({
    status: 413,
    body: { error: { code: "request.too_large" } },
  });
});

test("a job that cannot be written leaves no event, so that Stripe sends it again", async () => {
  const payload = stripeEvent();
  const rename = (from: string, to: string) =>
    app.database.pool.query(`alter table graphile_worker.${from} rename to ${to}`);
  await rename("_private_jobs", "elsewhere");
  expect((await deliver(app, payload)).status).toBeGreaterThanOrEqual(500);
  expect(await storedEvents(app)).toEqual([]);
  await rename("elsewhere", "_private_jobs");
  expect(await deliver(app, payload)).toMatchObject(NEW);
  expect(await waitingProjections(app)).toHaveLength(1);
});

test("an event that cannot be written leaves no job", async () => {
  await app.database.pool.query(
    `create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
     create constraint trigger refuse after insert on billing_events
       deferrable initially deferred for each row execute function refuse()`,
  );
  expect(await deliver(app, stripeEvent())).toMatchObject({ status: 500 });
  expect(await waitingProjections(app)).toEqual([]);
});

test("without a provider an event that needs a job is refused, so that Stripe sends it again", async () => {
  const bare = await startBillingApp({ JOBS_PROVIDER: "noop" });
  expect(await deliver(bare, stripeEvent())).toMatchObject({
    status: 409,
    body: { error: { code: "jobs.not_configured" } },
  });
  expect(await storedEvents(bare)).toEqual([]);
  expect(await deliver(bare, stripeEvent({ type: "invoice.paid" }))).toMatchObject(NEW);
  await bare.close();
});

test("without a webhook secret the route does not exist, even with the API token", async () => {
  const bare = await startTestApp();
  const payload = stripeEvent();
  const missing = { status: 404, body: { error: { code: "request.not_found" } } };
  expect(await deliver(bare, payload)).toMatchObject(missing);
  expect(await bare.request("POST", WEBHOOK_PATH, payload)).toMatchObject(missing);
  await bare.close();
});

import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import type { TestApp } from "../support/app.ts";
import { NEW, startBillingApp, storedEvents } from "../support/billing.ts";
import {
  deliver,
  stripeEvent,
  stripeSignature,
  WEBHOOK_PATH,
  WEBHOOK_SECRET,
} from "../support/stripe.ts";

let app: TestApp;

beforeEach(async () => {
  app = await startBillingApp();
});
afterEach(() => app.close());

const FORGED = {
  status: 401,
  body: {
    error: {
      code: "billing.invalid_signature",
      message: "The signature of this delivery is not valid.",
    },
  },
};

test("a delivery without a fresh signature by Stripe is refused; only the log has the reason", async () => {
  const payload = stripeEvent();
  const good = stripeSignature(payload);
  const bad: readonly (readonly [string, string, RegExp])[] = [
    [payload, "", /the Stripe-Signature header is missing/],
    [payload, "nonsense", /Unable to extract timestamp/],
    [payload, "t=,v1=", /must receive two arguments/],
    [payload, good.replace("v1=", "v0="), /No signatures found with expected scheme/],
    [payload, good.replace(/v1=.*/, `v1=${"0".repeat(64)}`), /No signatures found matching/],
    [payload, good.replace("t=1", "t=2"), /No signatures found matching/],
    [payload, stripeSignature(payload, { age: 301 }), /Timestamp outside the tolerance zone/],
    [payload, stripeSignature(payload, { secret: "whsec_of_another" }), /No signatures found/],
    [payload.replace("active", "paused"), good, /No signatures found matching/],
    [JSON.stringify(JSON.parse(payload)), good, /No signatures found matching/],
    [`${payload}\n`, good, /No signatures found matching/],
    [`\ufeff${payload}`, good, /No signatures found matching/],
    ["", good, /No webhook payload/],
  ];
  for (const [body, signature, reason] of bad) {
    expect(await deliver(app, body, signature)).toMatchObject(FORGED);
    expect(app.logged.at(-1)?.fields).toEqual({ reason: expect.stringMatching(reason) as unknown });
  }
  expect(JSON.stringify(app.logged)).not.toContain(WEBHOOK_SECRET);
  expect(await storedEvents(app)).toEqual([]);
  expect(await deliver(app, payload, stripeSignature(payload, { age: 290 }))).toMatchObject(NEW);
});

test("a delivery signed with an old and a new secret is accepted by either", async () => {
  const payload = stripeEvent();
  const old = stripeSignature(payload, { secret: "whsec_of_yesterday" });
  const both = `${old},${stripeSignature(payload).replace(/^t=\d+,/, "")}`;
  expect(await deliver(app, payload, both)).toMatchObject(NEW);
});

test("a body that is not UTF-8 is refused", async () => {
  const answer = await fetch(app.server.url + WEBHOOK_PATH, {
    method: "POST",
    body: new Uint8Array([0xff, 0xfe]),
    headers: { "stripe-signature": stripeSignature("\ufffd\ufffd") },
  });
  expect(answer.status).toBe(401);
});

test.each([
  ["a body that is not JSON", "{"],
  ["null", "null"],
  ["a list", "[]"],
  ["another object", '{"id":"evt_1","object":"charge","type":"x","created":1}'],
  ["a thin event", '{"id":"evt_1","object":"v2.core.event","type":"x","created":"2026"}'],
  ["an id with U+0000", stripeEvent({ id: "evt_\0" })],
  ["an id of megabytes", stripeEvent({ id: "e".repeat(100_000) })],
  ["an impossible time", stripeEvent({ created: 1e300 })],
])("%s is refused, although it is signed", async (_title, payload) => {
  expect(await deliver(app, payload)).toMatchObject({
    status: 422,
    body: { error: { code: "billing.invalid_event" } },
  });
  expect(await storedEvents(app)).toEqual([]);
});

test("a signed body with any changed field is accepted or refused, never an error", async () => {
  const key = fc.constantFrom("id", "object", "type", "created", "data", "__proto__");
  await fc.assert(
    fc.asyncProperty(key, fc.jsonValue(), fc.boolean(), async (field, value, nested) => {
      const payload = nested
        ? stripeEvent({ subscription: { [field]: value } })
        : JSON.stringify({ ...z.looseObject({}).parse(JSON.parse(stripeEvent())), [field]: value });
      expect([200, 422]).toContain((await deliver(app, payload)).status);
    }),
    { numRuns: 100 },
  );
});

import { randomUUID } from "node:crypto";
import { Stripe } from "stripe";
import type { Answer, TestApp } from "./app.ts";

export const WEBHOOK_SECRET = "whsec_of_the_tests";
export const WEBHOOK_PATH = "/v1/billing/webhooks/stripe";

/** A time in Stripe's unit, seconds since 1970. */
export const CREATED = 1_780_000_000;

export interface EventFacts {
  readonly id?: string;
  readonly type?: string;
  readonly created?: number;
  /** Fields to add to the subscription, or to replace. */
  readonly subscription?: object;
}

/** An event as Stripe sends it, indented JSON included. */
export function stripeEvent(facts: EventFacts = {}): string {
  const {
    id = `evt_${randomUUID().replaceAll("-", "")}`,
    type = "customer.subscription.updated",
    created = CREATED,
    subscription = {},
  } = facts;
  const object = {
    id: "sub_1",
    object: "subscription",
    customer: "cus_1",
    status: "active",
    cancel_at_period_end: false,
    items: {
      object: "list",
      data: [
        {
          id: "si_1",
          current_period_end: CREATED + 86_400,
          price: { id: "price_1", object: "price", product: "prod_1" },
        },
      ],
    },
    ...subscription,
  };
  const event = { id, object: "event", api_version: "2026-06-24", created, type, data: { object } };
  return JSON.stringify(event, null, 2);
}

export interface Signing {
  readonly secret?: string;
  /** The age of the signature in seconds. */
  readonly age?: number;
  readonly now?: Date | undefined;
}

/** The Stripe-Signature header, made by Stripe's SDK. */
export function stripeSignature(payload: string, signing: Signing = {}): string {
  const { secret = WEBHOOK_SECRET, age = 0, now = new Date() } = signing;
  const timestamp = Math.floor(now.getTime() / 1_000) - age;
  return Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
}

/** Delivers like Stripe: signed at the app's time, without the API token. */
export function deliver(
  app: TestApp,
  payload: string,
  signature = stripeSignature(payload, { now: app.clock.time }),
): Promise<Answer> {
  const headers = { authorization: "", ...(signature !== "" && { "stripe-signature": signature }) };
  return app.request("POST", WEBHOOK_PATH, payload, headers);
}

import { Hono } from "hono";
import type { BillingWebhook } from "#src/billing/application/billing-webhook.ts";
import type { Subscription } from "#src/billing/domain/subscription.ts";
import { incompleteBody } from "../body-limit.ts";

/**
 * `POST /v1/billing/webhooks/stripe` receives Stripe's events. The signature is the credential. Without
 * a secret to verify it, the route does not exist.
 */
export function billingWebhookController(webhook: BillingWebhook | undefined): Hono {
  return new Hono().post("/billing/webhooks/stripe", async (c) => {
    if (!webhook) return c.notFound();
    const body = new Uint8Array(await c.req.arrayBuffer().catch(incompleteBody));
    const signature = c.req.header("stripe-signature");
    return c.json({ ok: true, processed: await webhook.receive({ signature, body }) });
  });
}

/** Subscriptions as the events left them. Requires the bearer token. */
export function subscriptionsController(find: (id: string) => Promise<Subscription>): Hono {
  return new Hono().get("/billing/subscriptions/:id", async (c) => {
    const { source, ...state } = await find(c.req.param("id"));
    const { eventId, eventCreatedAt } = source;
    return c.json({
      subscription: { ...state, source: { eventId, createdAt: eventCreatedAt } },
    });
  });
}

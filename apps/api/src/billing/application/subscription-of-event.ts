import { fromUnixTime } from "date-fns/fromUnixTime";
import { z } from "zod";
import type { BillingEvent } from "../domain/billing-event.ts";
import { sourceOf, type Subscription } from "../domain/subscription.ts";
import { parsedJson, stripeId, stripeSeconds } from "./stripe-values.ts";

/** An id, or the object itself where it was expanded. */
const reference = z
  .union([stripeId, z.object({ id: stripeId })])
  .transform((found) => (typeof found === "string" ? found : found.id));

const periodEnd = stripeSeconds.nullish();

const item = z.object({
  current_period_end: periodEnd,
  price: z.object({ id: stripeId, product: reference.nullish() }).nullish(),
});

// Only what is used of it: what Stripe adds must not make events unreadable.
const subscriptionEvent = z.object({
  data: z.object({
    object: z.object({
      object: z.literal("subscription"),
      id: stripeId,
      customer: reference,
      status: z.string().regex(/^[a-z_]{1,64}$/),
      cancel_at_period_end: z.boolean(),
      // API versions before 2025-03-31 have it here, later ones on the items.
      current_period_end: periodEnd,
      items: z.object({ data: z.array(item) }).nullish(),
    }),
  }),
});

export type ReadSubscription =
  | { readonly ok: true; readonly subscription: Subscription }
  | { readonly ok: false; readonly problem: string };

/** The state that an event brings. */
export function subscriptionOfEvent(event: BillingEvent, now: Date): ReadSubscription {
  const read = subscriptionEvent.safeParse(parsedJson(event.payload));
  if (!read.success) return { ok: false, problem: z.prettifyError(read.error) };
  const { object } = read.data.data;
  const items = object.items?.data ?? [];
  const ends = [object.current_period_end, ...items.map((one) => one.current_period_end)];
  const earliest = Math.min(...ends.filter((end) => typeof end === "number"));
  return {
    ok: true,
    subscription: {
      id: object.id,
      customerId: object.customer,
      status: object.status,
      priceId: items[0]?.price?.id ?? null,
      productId: items[0]?.price?.product ?? null,
      currentPeriodEnd: Number.isFinite(earliest) ? fromUnixTime(earliest) : null,
      cancelAtPeriodEnd: object.cancel_at_period_end,
      source: sourceOf(event),
      updatedAt: now,
    },
  };
}

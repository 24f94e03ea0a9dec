import { fromUnixTime } from "date-fns/fromUnixTime";
import { z } from "zod";
import { type BillingEvent, sourceOf, type Subscription } from "../domain/subscription.ts";

// These schemas name only the fields that are used. A field that Stripe adds must not make events invalid.

/** An id that Stripe makes: evt_…, sub_…, cus_… */
export const stripeId = z.string().regex(/^[\w-]{1,255}$/);

/** Seconds since 1970, up to the year 9999. */
const stripeSeconds = z.number().int().min(0).max(253_402_300_799);

const envelope = z.object({
  id: stripeId,
  object: z.literal("event"),
  type: z.string().regex(/^[a-z0-9_.]{1,255}$/),
  created: stripeSeconds,
});

/** An id, or the whole object where Stripe expanded it. */
const reference = z
  .union([stripeId, z.object({ id: stripeId })])
  .transform((found) => (typeof found === "string" ? found : found.id));

const periodEnd = stripeSeconds.nullish();

const item = z.object({
  current_period_end: periodEnd,
  price: z.object({ id: stripeId, product: reference.nullish() }).nullish(),
});

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

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/** Reads what every event has, from the JSON that Stripe signed. */
export function readEvent(payload: string): Read<Pick<BillingEvent, "id" | "type" | "createdAt">> {
  const read = envelope.safeParse(parsedJson(payload));
  if (!read.success) return { ok: false, problem: z.prettifyError(read.error) };
  const { id, type, created } = read.data;
  return { ok: true, value: { id, type, createdAt: fromUnixTime(created) } };
}

/** Reads the state of the subscription that the event is about. */
export function readSubscription(event: BillingEvent, now: Date): Read<Subscription> {
  const read = subscriptionEvent.safeParse(parsedJson(event.payload));
  if (!read.success) return { ok: false, problem: z.prettifyError(read.error) };
  const { object } = read.data.data;
  const items = object.items?.data ?? [];
  const ends = [object.current_period_end, ...items.map((one) => one.current_period_end)];
  const earliest = Math.min(...ends.filter((end) => typeof end === "number"));
  return {
    ok: true,
    value: {
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

/** `undefined` when the text is not JSON; no schema accepts that. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

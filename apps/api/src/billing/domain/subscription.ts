import { type BillingEvent, rankInSecond } from "./billing-event.ts";

/** What a customer has subscribed to, by the newest event that told of it. */
export interface Subscription {
  readonly id: string;
  readonly customerId: string;
  /** Stripe's word: active, past_due, canceled … */
  readonly status: string;
  /** Of the first item; there may be none. */
  readonly priceId: string | null;
  readonly productId: string | null;
  /** The earliest of all items. */
  readonly currentPeriodEnd: Date | null;
  readonly cancelAtPeriodEnd: boolean;
  readonly source: SubscriptionSource;
  readonly updatedAt: Date;
}

/**
 * Which event the state is from; the fields order events, the first that differs decides. Of two
 * updates within a second Stripe does not say which was later: the one that came later is taken for
 * it. All of it stands in the event's row, so that the same rows give the same state, in whichever
 * order they are projected.
 */
export interface SubscriptionSource {
  readonly eventCreatedAt: Date;
  readonly eventRank: number;
  readonly eventReceivedAt: Date;
  readonly eventId: string;
}

export function sourceOf(event: BillingEvent): SubscriptionSource {
  return {
    eventCreatedAt: event.createdAt,
    eventRank: rankInSecond(event),
    eventReceivedAt: event.receivedAt,
    eventId: event.id,
  };
}

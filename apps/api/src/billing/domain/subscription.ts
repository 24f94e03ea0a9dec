/** An event of Stripe, stored as it was received. */
export interface BillingEvent {
  /** Stripe's id. A repeated delivery has the same one. */
  readonly id: string;
  readonly type: string;
  /** When it happened. Stripe counts in seconds, so several events often share a time. */
  readonly createdAt: Date;
  /** The JSON exactly as it was signed. */
  readonly payload: string;
  readonly receivedAt: Date;
  /** When its changes were stored; `null` until then. */
  readonly processedAt: Date | null;
}

/** A customer's subscription, as its newest event describes it. */
export interface Subscription {
  readonly id: string;
  readonly customerId: string;
  /** In Stripe's terms: active, past_due, canceled … */
  readonly status: string;
  /** The first item's; `null` when there is no item. */
  readonly priceId: string | null;
  readonly productId: string | null;
  /** The earliest end of all items. */
  readonly currentPeriodEnd: Date | null;
  readonly cancelAtPeriodEnd: boolean;
  readonly source: SubscriptionSource;
  readonly updatedAt: Date;
}

/**
 * The event behind a state. Its fields order events: the first one that differs decides.
 *
 * Stripe does not say which of two updates within one second is newer, so the one received later counts
 * as newer. Every field comes from the event's row. The same rows therefore give the same state, in
 * whatever order they are projected.
 */
export interface SubscriptionSource {
  readonly eventCreatedAt: Date;
  readonly eventRank: number;
  readonly eventReceivedAt: Date;
  readonly eventId: string;
}

const ABOUT_SUBSCRIPTIONS = "customer.subscription.";

/** Whether the event carries a new state of a subscription. */
export function changesSubscription({ type }: Pick<BillingEvent, "type">): boolean {
  return type.startsWith(ABOUT_SUBSCRIPTIONS);
}

export function sourceOf(event: BillingEvent): SubscriptionSource {
  return {
    eventCreatedAt: event.createdAt,
    eventRank: rankInSecond(event),
    eventReceivedAt: event.receivedAt,
    eventId: event.id,
  };
}

/** Orders events of one second: the creation of a subscription first, its deletion last. */
function rankInSecond({ type }: BillingEvent): number {
  if (type === `${ABOUT_SUBSCRIPTIONS}created`) return 0;
  return type === `${ABOUT_SUBSCRIPTIONS}deleted` ? 2 : 1;
}

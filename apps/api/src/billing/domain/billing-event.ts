/** Something that Stripe says has happened, as it came. */
export interface BillingEvent {
  /** Stripe's own: however often the event is sent, it is the same. */
  readonly id: string;
  readonly type: string;
  /** When it happened. Stripe counts in seconds, and events often share one. */
  readonly createdAt: Date;
  /** The very JSON that was signed. */
  readonly payload: string;
  readonly receivedAt: Date;
  /** When everything that it is to change was changed; `null` while that is ahead. */
  readonly processedAt: Date | null;
}

const ABOUT_SUBSCRIPTIONS = "customer.subscription.";

/** Whether the event brings a subscription's new state. */
export function changesSubscription({ type }: Pick<BillingEvent, "type">): boolean {
  return type.startsWith(ABOUT_SUBSCRIPTIONS);
}

/**
 * Where the event stands among those of one second: the first of a subscription before, its end after
 * all others.
 */
export function rankInSecond({ type }: Pick<BillingEvent, "type">): number {
  if (type === `${ABOUT_SUBSCRIPTIONS}created`) return 0;
  return type === `${ABOUT_SUBSCRIPTIONS}deleted` ? 2 : 1;
}

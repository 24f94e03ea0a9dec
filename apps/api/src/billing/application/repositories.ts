import type { BillingEvent } from "../domain/billing-event.ts";
import type { Subscription } from "../domain/subscription.ts";

export interface BillingEventRepository {
  /**
   * `false` when the event is there already. While another transaction adds it this waits for that
   * one's end.
   */
  add(event: BillingEvent): Promise<boolean>;
  findById(id: string): Promise<BillingEvent | undefined>;
  markProcessed(id: string, at: Date): Promise<void>;
  /** Deletes up to `limit` processed events that came before the cut-off, and returns how many. */
  deleteProcessedBefore(cutoff: Date, limit: number): Promise<number>;
}

export interface SubscriptionRepository {
  findById(id: string): Promise<Subscription | undefined>;
  /** `false`, and nothing is written, when what is stored is from the same event or a newer one. */
  saveIfNewer(subscription: Subscription): Promise<boolean>;
}

declare module "#src/kernel/unit-of-work.ts" {
  interface Transaction {
    readonly billingEvents: BillingEventRepository;
    readonly billingSubscriptions: SubscriptionRepository;
  }
}

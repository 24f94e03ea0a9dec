import { AppError } from "#src/kernel/errors.ts";
import type { UnitOfWork } from "#src/kernel/unit-of-work.ts";
import type { BillingEvent, Subscription } from "../domain/subscription.ts";

export interface BillingEventRepository {
  /**
   * Returns `false` when the event is already stored. Waits for a transaction that is adding the same
   * event.
   */
  add(event: BillingEvent): Promise<boolean>;
  findById(id: string): Promise<BillingEvent | undefined>;
  markProcessed(id: string, at: Date): Promise<void>;
  /** Deletes at most `limit` processed events received before the cut-off. Returns their number. */
  deleteProcessedBefore(cutoff: Date, limit: number): Promise<number>;
}

export interface SubscriptionRepository {
  findById(id: string): Promise<Subscription | undefined>;
  /** Writes nothing and returns `false` when the stored state is from this event or a newer one. */
  saveIfNewer(subscription: Subscription): Promise<boolean>;
}

declare module "#src/kernel/unit-of-work.ts" {
  interface Transaction {
    readonly billingEvents: BillingEventRepository;
    readonly billingSubscriptions: SubscriptionRepository;
  }
}

/** @throws AppError `billing.subscription_not_found` */
export async function findSubscription(uow: UnitOfWork, id: string): Promise<Subscription> {
  const subscription = await uow.read((tx) => tx.billingSubscriptions.findById(id));
  if (subscription) return subscription;
  throw new AppError("billing.subscription_not_found", 404, "There is no such subscription.");
}

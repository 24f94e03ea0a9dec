import { AppError } from "#src/kernel/errors.ts";
import type { UnitOfWork } from "#src/kernel/unit-of-work.ts";
import type { Subscription } from "../domain/subscription.ts";

/** @throws AppError `billing.subscription_not_found` */
export async function findSubscription(uow: UnitOfWork, id: string): Promise<Subscription> {
  const subscription = await uow.read((tx) => tx.billingSubscriptions.findById(id));
  if (subscription) return subscription;
  throw new AppError("billing.subscription_not_found", 404, "There is no such subscription.");
}

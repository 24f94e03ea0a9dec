import { AppError } from "#src/kernel/errors.ts";
import type { Logger } from "#src/kernel/logger.ts";
import { type BillingEvent, changesSubscription } from "../domain/subscription.ts";
import { readEvent } from "./stripe-events.ts";

type BillingCore = Pick<OrbitJobs.Core, "uow" | "clock"> & { readonly log: Logger };

/** A request that claims to come from Stripe. */
export interface WebhookDelivery {
  readonly signature: string | undefined;
  /** The exact bytes, because the signature covers them. */
  readonly body: Uint8Array;
}

export type VerifiedWebhook =
  /** `payload` is the signed text, not yet parsed. */
  | { readonly ok: true; readonly payload: string }
  /** `reason` is for the log only. */
  | { readonly ok: false; readonly reason: string };

/** Checks that Stripe signed a delivery. */
export interface WebhookVerifier {
  verify(delivery: WebhookDelivery): Promise<VerifiedWebhook>;
}

export interface BillingWebhook {
  /**
   * Stores an event together with the job that projects it, in one transaction.
   *
   * @returns `false` for an event that is already stored
   * @throws AppError `billing.invalid_signature`, `billing.invalid_event`
   * @throws JobsNotConfiguredError when no provider would run the job; Stripe then sends the event again
   */
  receive(delivery: WebhookDelivery): Promise<boolean>;
}

export function createBillingWebhook(
  { uow, clock, log }: BillingCore,
  verifier: WebhookVerifier,
): BillingWebhook {
  async function verifiedEvent(delivery: WebhookDelivery): Promise<BillingEvent> {
    const verified = await verifier.verify(delivery);
    if (!verified.ok) {
      log.warn({ reason: verified.reason }, "billing webhook: invalid signature");
      throw invalidSignature();
    }
    const read = readEvent(verified.payload);
    if (!read.ok) {
      log.warn({ reason: read.problem }, "billing webhook: signed body is not an event");
      throw invalidEvent();
    }
    const receivedAt = clock.now();
    return {
      ...read.value,
      payload: verified.payload,
      receivedAt,
      // Events of other types are stored for later features and need no job.
      processedAt: changesSubscription(read.value) ? null : receivedAt,
    };
  }

  return {
    async receive(delivery) {
      const event = await verifiedEvent(delivery);
      return uow.run(async (tx) => {
        if (!(await tx.billingEvents.add(event))) return false;
        if (event.processedAt === null) {
          const { id: eventId } = event;
          await tx.jobs.enqueue("billing.events.project", { eventId }, { jobKey: eventId });
        }
        return true;
      });
    },
  };
}

/** Anybody can call the webhook, so the answer gives no details. */
function invalidSignature(): AppError {
  return new AppError(
    "billing.invalid_signature",
    401,
    "The signature of this delivery is not valid.",
  );
}

function invalidEvent(): AppError {
  return new AppError("billing.invalid_event", 422, "The signed body is not a Stripe event.");
}

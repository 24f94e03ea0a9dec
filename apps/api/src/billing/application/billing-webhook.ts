import { fromUnixTime } from "date-fns/fromUnixTime";
import { z } from "zod";
import { AppError } from "#src/kernel/errors.ts";
import type { Logger } from "#src/kernel/logger.ts";
import { type BillingEvent, changesSubscription } from "../domain/billing-event.ts";
import { parsedJson, stripeId, stripeSeconds } from "./stripe-values.ts";
import type { WebhookDelivery, WebhookVerifier } from "./webhook-verifier.ts";

type BillingCore = OrbitJobs.Core & { readonly log: Logger };

export interface BillingWebhook {
  /**
   * Takes an event in: its row and the job that projects it are there together, or both are not.
   *
   * @returns `false` for an event that was taken in before
   * @throws AppError `billing.invalid_signature`, `billing.invalid_event`; JobsNotConfiguredError: an
   * event that nobody would project is to be sent again
   */
  receive(delivery: WebhookDelivery): Promise<boolean>;
}

const envelope = z.object({
  id: stripeId,
  object: z.literal("event"),
  type: z.string().regex(/^[a-z0-9_.]{1,255}$/),
  created: stripeSeconds,
});

export function createBillingWebhook(
  { uow, clock, log }: BillingCore,
  verifier: WebhookVerifier,
): BillingWebhook {
  async function read(delivery: WebhookDelivery): Promise<BillingEvent> {
    const verified = await verifier.verify(delivery);
    if (!verified.ok) {
      log.warn({ reason: verified.reason }, "a delivery to the billing webhook was refused");
      throw invalidSignature();
    }
    const parsed = envelope.safeParse(parsedJson(verified.payload));
    if (!parsed.success) {
      log.warn({ reason: z.prettifyError(parsed.error) }, "Stripe signed what is no event");
      throw invalidEvent();
    }
    const { id, type, created } = parsed.data;
    const receivedAt = clock.now();
    return {
      id,
      type,
      createdAt: fromUnixTime(created),
      payload: verified.payload,
      receivedAt,
      // Others are kept for features to come, and change nothing yet.
      processedAt: changesSubscription({ type }) ? null : receivedAt,
    };
  }

  return {
    async receive(delivery) {
      const event = await read(delivery);
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

/** For strangers: no more than that. */
function invalidSignature(): AppError {
  return new AppError(
    "billing.invalid_signature",
    401,
    "The signature of this delivery is not valid.",
  );
}

function invalidEvent(): AppError {
  return new AppError("billing.invalid_event", 422, "This delivery is signed, but is no event.");
}

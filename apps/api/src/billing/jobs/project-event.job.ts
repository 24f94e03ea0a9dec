import { z } from "zod";
import { defineJob } from "#src/jobs/application/define-job.ts";
import { PermanentJobError } from "#src/jobs/application/job-errors.ts";
import { processOnce } from "#src/jobs/application/ledger.ts";
import { stripeId } from "../application/stripe-values.ts";
import { subscriptionOfEvent } from "../application/subscription-of-event.ts";

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "billing.events.project": { eventId: string };
    }
  }
}

const CONSUMER = "billing.projector";

export const projectEventJob = defineJob({
  name: "billing.events.project",
  schema: z.strictObject({ eventId: stripeId }),
  handler: async ({ eventId }, ctx) => {
    await processOnce(ctx.uow, CONSUMER, eventId, async (tx) => {
      const event = await tx.billingEvents.findById(eventId);
      if (!event) throw new PermanentJobError(`event ${eventId} is not in the ledger`);
      const read = subscriptionOfEvent(event, ctx.clock.now());
      // It is the code that has to change: then the dead job can be replayed.
      if (!read.ok) throw new PermanentJobError(`event ${eventId} is unreadable: ${read.problem}`);
      if (!(await tx.billingSubscriptions.saveIfNewer(read.subscription))) {
        ctx.log.info({ eventId }, "a newer event was projected already");
      }
      await tx.billingEvents.markProcessed(eventId, ctx.clock.now());
    });
  },
});

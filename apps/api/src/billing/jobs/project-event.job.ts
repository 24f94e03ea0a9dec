import { z } from "zod";
import { defineJob } from "#src/jobs/application/define-job.ts";
import { PermanentJobError } from "#src/jobs/application/job-errors.ts";
import { processOnce } from "#src/jobs/application/ledger.ts";
import { readSubscription, stripeId } from "../application/stripe-events.ts";

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
      if (!event) throw new PermanentJobError(`event ${eventId} is not stored`);
      const read = readSubscription(event, ctx.clock.now());
      // A retry cannot help. After the code is mended the dead job can be replayed.
      if (!read.ok) throw new PermanentJobError(`event ${eventId} is unreadable: ${read.problem}`);
      if (!(await tx.billingSubscriptions.saveIfNewer(read.value))) {
        ctx.log.info({ eventId }, "event skipped: a newer one is already projected");
      }
      await tx.billingEvents.markProcessed(eventId, ctx.clock.now());
    });
  },
});

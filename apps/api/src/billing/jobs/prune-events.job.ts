import { subDays } from "date-fns/subDays";
import { z } from "zod";
import { defineJob } from "#src/jobs/application/define-job.ts";

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "billing.events.prune": { olderThanDays: number };
    }
  }
}

/** Keeps each statement short. */
const BATCH = 1_000;

export const pruneEventsJob = defineJob({
  name: "billing.events.prune",
  schedule: { cron: "41 * * * *", payload: { olderThanDays: 90 } },
  maxAttempts: 3,
  schema: z.strictObject({ olderThanDays: z.number().nonnegative() }),
  handler: async ({ olderThanDays }, ctx) => {
    const cutoff = subDays(ctx.clock.now(), olderThanDays);
    let deleted: number;
    do {
      ctx.signal.throwIfAborted();
      deleted = await ctx.uow.run((tx) => tx.billingEvents.deleteProcessedBefore(cutoff, BATCH));
    } while (deleted === BATCH);
  },
});

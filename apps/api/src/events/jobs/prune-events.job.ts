import { subDays } from "date-fns/subDays";
import { z } from "zod";
import { defineJob } from "#src/jobs/application/define-job.ts";

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "events.prune": { olderThanDays: number };
    }
  }
}

/** Keeps each statement short. */
const BATCH = 1_000;

export const pruneDomainEventsJob = defineJob({
  name: "events.prune",
  schedule: { cron: "47 * * * *", payload: { olderThanDays: 90 } },
  maxAttempts: 3,
  schema: z.strictObject({ olderThanDays: z.number().nonnegative() }),
  handler: async ({ olderThanDays }, ctx) => {
    const cutoff = subDays(ctx.clock.now(), olderThanDays);
    let deleted: number;
    do {
      ctx.signal.throwIfAborted();
      deleted = await ctx.uow.run((tx) => tx.domainEvents.deleteProjectedBefore(cutoff, BATCH));
    } while (deleted === BATCH);
  },
});

import { subHours } from "date-fns/subHours";
import { z } from "zod";
import { defineJob } from "#src/jobs/application/define-job.ts";

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "cleanup.stale-invites": { olderThanHours: number };
    }
  }
}

export const cleanupStaleInvitesJob = defineJob({
  name: "cleanup.stale-invites",
  schedule: { cron: "0 * * * *", payload: { olderThanHours: 336 } },
  maxAttempts: 3,
  schema: z.strictObject({ olderThanHours: z.number().nonnegative() }),
  handler: async (payload, ctx) => {
    await ctx.uow.run(async (tx) => {
      const cutoff = subHours(ctx.clock.now(), payload.olderThanHours);
      await tx.workspaceInvites.deleteExpiredBefore(cutoff);
    });
  },
});

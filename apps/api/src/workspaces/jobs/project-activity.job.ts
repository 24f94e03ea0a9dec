import { z } from "zod";
import { defineJob } from "#src/jobs/application/define-job.ts";
import { PermanentJobError } from "#src/jobs/application/job-errors.ts";
import { processOnce } from "#src/jobs/application/ledger.ts";
import { activityOf } from "../application/activity.ts";

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "workspaces.activity.project": { eventId: string };
    }
  }
}

/** The job's name, and its name in the ledger. */
export const ACTIVITY_PROJECTOR = "workspaces.activity.project";

export const projectActivityJob = defineJob({
  name: ACTIVITY_PROJECTOR,
  schema: z.strictObject({ eventId: z.uuid() }),
  handler: async ({ eventId }, ctx) => {
    await processOnce(ctx.uow, ACTIVITY_PROJECTOR, eventId, async (tx) => {
      const event = await tx.events.findById(eventId);
      if (!event) throw new PermanentJobError(`event ${eventId} is not stored`);
      const activity = activityOf(event);
      // A retry cannot help. After the code is mended the dead job can be replayed.
      if (!activity.ok) {
        throw new PermanentJobError(`event ${eventId} is unreadable: ${activity.problem}`);
      }
      await tx.workspaceActivity.add(activity.value);
      await tx.events.markProjected(eventId, ACTIVITY_PROJECTOR);
    });
  },
});

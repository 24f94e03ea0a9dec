import type { AppFeature } from "#src/core.ts";
import { inFeature } from "#src/jobs/application/job-registry.ts";
import { cleanupStaleInvitesJob } from "./jobs/cleanup-stale-invites.job.ts";
import { ACTIVITY_PROJECTOR, projectActivityJob } from "./jobs/project-activity.job.ts";
import { sendReminderJob } from "./jobs/send-reminder.job.ts";

export const workspacesFeature: AppFeature = {
  name: "workspaces",
  jobs: (core) =>
    inFeature("workspaces", [
      cleanupStaleInvitesJob(core),
      sendReminderJob(core),
      projectActivityJob(core),
    ]),
  projectors: {
    "workspace.created": [ACTIVITY_PROJECTOR],
    "workspace.invite.created": [ACTIVITY_PROJECTOR],
    "workspace.invite.accepted": [ACTIVITY_PROJECTOR],
    "workspace.invite.revoked": [ACTIVITY_PROJECTOR],
  },
};

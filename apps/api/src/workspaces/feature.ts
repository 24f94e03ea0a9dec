import { inFeature } from "#src/jobs/application/job-registry.ts";
import type { AppFeature } from "#src/core.ts";
import { cleanupStaleInvitesJob } from "./jobs/cleanup-stale-invites.job.ts";
import { sendReminderJob } from "./jobs/send-reminder.job.ts";

export const workspacesFeature: AppFeature = {
  name: "workspaces",
  jobs: (core) => inFeature("workspaces", [cleanupStaleInvitesJob(core), sendReminderJob(core)]),
};

import { inFeature } from "#/jobs/application/job-registry.ts";
import type { AppCore, AppFeature } from "#/core.ts";
import { enqueueReminder } from "./application/enqueue-reminder.ts";
import { cleanupStaleInvitesJob } from "./jobs/cleanup-stale-invites.job.ts";
import { sendReminderJob } from "./jobs/send-reminder.job.ts";

export const workspacesFeature: AppFeature = {
  name: "workspaces",
  jobs: (core) => inFeature("workspaces", [cleanupStaleInvitesJob(core), sendReminderJob(core)]),
  subscribers: (core: AppCore) => [enqueueReminder(core.queue, core.log)],
};

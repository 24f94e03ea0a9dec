import type { AppFeature } from "#src/core.ts";
import { inFeature } from "#src/jobs/application/job-registry.ts";
import { projectEventJob } from "./jobs/project-event.job.ts";
import { pruneEventsJob } from "./jobs/prune-events.job.ts";

export const billingFeature: AppFeature = {
  name: "billing",
  jobs: (core) => inFeature("billing", [projectEventJob(core), pruneEventsJob(core)]),
};

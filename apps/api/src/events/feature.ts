import type { AppFeature } from "#src/core.ts";
import { inFeature } from "#src/jobs/application/job-registry.ts";
import { pruneDomainEventsJob } from "./jobs/prune-events.job.ts";

export const eventsFeature: AppFeature = {
  name: "events",
  jobs: (core) => inFeature("events", [pruneDomainEventsJob(core)]),
};

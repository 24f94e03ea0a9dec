import { createQStashDev, VirtualClock } from "@orbit/qstash-dev";
import { nextTick } from "#src/jobs/application/cron.ts";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { type JobsConfig, syncSchedules } from "#src/jobs/feature.ts";

/** When a local QStash of its own, that is given the schedule, publishes a message. */
export async function qstashTicks(
  config: JobsConfig & { provider: "qstash" },
  definition: JobDefinition,
  after: Date,
  until: Date,
): Promise<Date[]> {
  const clock = new VirtualClock(after);
  const ticks: Date[] = [];
  const qstash = createQStashDev({
    clock,
    log: (line) => {
      if (line.startsWith("CREATED")) ticks.push(new Date(clock.now()));
    },
    fetch: async () => new Response(),
  });
  try {
    const url = await qstash.start();
    await syncSchedules({ ...config, url }, buildJobs([definition]));
    await clock.advanceTo(until);
  } finally {
    await qstash.close();
  }
  return ticks;
}

/** How many of the definitions have a tick in the minute after that time. */
export function ticksInMinute(definitions: readonly JobDefinition[], after: Date): number {
  return definitions.filter(({ schedule }) => {
    const tick = schedule && nextTick(schedule, after);
    return tick && tick.getTime() <= after.getTime() + 60_000;
  }).length;
}

import { createQStashDev, VirtualClock } from "@orbit/qstash-dev";
import { nextTick } from "#src/jobs/application/cron.ts";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { qstash, type QStashOptions } from "#src/jobs/infrastructure/qstash/qstash-provider.ts";
import { bindProvider } from "./bind-provider.ts";

/** The times at which a separate local QStash publishes messages of this schedule. */
export async function qstashTicks(
  options: QStashOptions,
  definition: JobDefinition,
  after: Date,
  until: Date,
): Promise<Date[]> {
  const clock = new VirtualClock(after);
  const ticks: Date[] = [];
  const dev = createQStashDev({
    clock,
    log: (line) => {
      if (line.startsWith("CREATED")) ticks.push(new Date(clock.now()));
    },
    fetch: async () => new Response(),
  });
  try {
    const provider = qstash({ ...options, url: await dev.start() });
    await bindProvider(provider, [definition]).syncSchedules?.();
    await clock.advanceTo(until);
  } finally {
    await dev.close();
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

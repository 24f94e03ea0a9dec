import { nextTick } from "../../application/cron.ts";
import type { JobDefinition, JobSchedule } from "../../application/job-definition.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import { addJobs, type MemoryStore } from "./store.ts";

type Scheduled = JobDefinition & { readonly schedule: JobSchedule };

/** Forgets schedules that left the registry. A new schedule has missed no tick. */
export function syncMemorySchedules(store: MemoryStore, registry: JobRegistry): void {
  const wanted = new Set(scheduledOf(registry).map(identityOf));
  for (const known of store.tickedUntil.keys()) {
    if (!wanted.has(known)) store.tickedUntil.delete(known);
  }
  for (const identity of wanted) {
    if (!store.tickedUntil.has(identity)) store.tickedUntil.set(identity, store.now());
  }
}

/** A timer may be this late. A longer delay means that the process was asleep. */
const LATE_MS = 60_000;

/**
 * Makes a job of every tick since the last call, except for ticks that are too old. A tick at `awaited`,
 * the time that a timer waited for, was not missed, whatever the schedule's back-fill.
 */
export function makeTicks(
  store: MemoryStore,
  registry: JobRegistry,
  awaited = Number.NEGATIVE_INFINITY,
): void {
  const now = store.now();
  const onTime = now - awaited < LATE_MS ? awaited - 1 : now;
  for (const job of scheduledOf(registry)) {
    const identity = identityOf(job);
    const since = store.tickedUntil.get(identity);
    if (since === undefined) continue;
    store.tickedUntil.set(identity, now);
    const oldest = Math.min(now - job.schedule.backfill, onTime);
    for (const tick of ticksOf(job.schedule, Math.max(since, oldest), now)) {
      const { name, version, priority = 0, maxAttempts } = job;
      const json = JSON.stringify(job.schedule.payload);
      const id = crypto.randomUUID();
      const options = { runAt: tick, jobKey: undefined, maxAttempts };
      addJobs(store, [{ id, name, version, priority, json, ...options }]);
    }
  }
}

/** When the next tick comes, in Unix milliseconds. */
export function nextTickAt(store: MemoryStore, registry: JobRegistry): number | undefined {
  const ticks = scheduledOf(registry).flatMap(({ schedule }) => {
    const tick = nextTick(schedule, new Date(store.now()));
    return tick ? [tick.getTime()] : [];
  });
  return ticks.length > 0 ? Math.min(...ticks) : undefined;
}

function* ticksOf(schedule: JobSchedule, after: number, until: number): Generator<Date> {
  let tick = nextTick(schedule, new Date(after));
  while (tick && tick.getTime() <= until) {
    yield tick;
    tick = nextTick(schedule, tick);
  }
}

function scheduledOf(registry: JobRegistry): Scheduled[] {
  return registry.filter((job): job is Scheduled => job.schedule !== undefined);
}

/** A changed schedule counts as new: it has missed no tick. */
function identityOf({ name, schedule }: Scheduled): string {
  return JSON.stringify([name, schedule.cron, schedule.timezone]);
}

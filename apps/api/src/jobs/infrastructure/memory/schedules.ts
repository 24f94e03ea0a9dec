import { nextTick, ticksBetween } from "../../application/cron.ts";
import type { JobDefinition, JobSchedule } from "../../application/job-definition.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { PreparedJob } from "../../application/prepare-enqueue.ts";
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
 *
 * @param limit how many jobs it may make at most
 * @returns whether it made all of them
 */
export function makeTicks(
  store: MemoryStore,
  registry: JobRegistry,
  awaited = Number.NEGATIVE_INFINITY,
  limit = Number.POSITIVE_INFINITY,
): boolean {
  const now = store.now();
  const onTime = now - awaited < LATE_MS ? awaited - 1 : now;
  let left = limit;
  for (const job of scheduledOf(registry)) {
    const identity = identityOf(job);
    const since = store.tickedUntil.get(identity);
    if (since === undefined) continue;
    const oldest = Math.min(now - job.schedule.backfill, onTime);
    const after = new Date(Math.max(since, oldest));
    const ticks = [...ticksBetween(job.schedule, after, new Date(now), left)];
    if (ticks.length > 0) addJobs(store, jobsOf(job, ticks));
    left -= ticks.length;
    // There may be more ticks. The next call goes on from here.
    store.tickedUntil.set(identity, left > 0 ? now : (ticks.at(-1)?.getTime() ?? since));
    if (left === 0) return false;
  }
  return true;
}

function jobsOf(
  { name, version, priority = 0, maxAttempts, schedule }: Scheduled,
  ticks: readonly Date[],
): PreparedJob[] {
  const json = JSON.stringify(schedule.payload);
  return ticks.map((runAt) => {
    const id = crypto.randomUUID();
    return { id, name, version, priority, json, runAt, jobKey: undefined, maxAttempts };
  });
}

/** When the next tick comes, in Unix milliseconds. */
export function nextTickAt(store: MemoryStore, registry: JobRegistry): number | undefined {
  const ticks = scheduledOf(registry).flatMap(({ schedule }) => {
    const tick = nextTick(schedule, new Date(store.now()));
    return tick ? [tick.getTime()] : [];
  });
  return ticks.length > 0 ? Math.min(...ticks) : undefined;
}

function scheduledOf(registry: JobRegistry): Scheduled[] {
  return registry.filter((job): job is Scheduled => job.schedule !== undefined);
}

/** A changed schedule counts as new: it has missed no tick. */
function identityOf({ name, schedule }: Scheduled): string {
  return JSON.stringify([name, schedule.cron, schedule.timezone]);
}

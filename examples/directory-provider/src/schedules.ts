import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { nextTick, ticksBetween } from "#src/jobs/application/cron.ts";
import type { JobDefinition, JobSchedule } from "#src/jobs/application/job-definition.ts";
import type { JobRegistry } from "#src/jobs/application/job-registry.ts";
import {
  digest,
  type JobDirectory,
  namesIn,
  newJob,
  tryLink,
  unless,
  writeDraft,
} from "./job-files.ts";

// Each schedule has a folder with one empty file per tick. The file's name is the tick's time, and only
// one worker can create it. That worker makes the tick's job.

type Scheduled = JobDefinition & { readonly schedule: JobSchedule };

/** A timer may be this late. After a longer delay the ticks count as missed. */
const LATE_MS = 60_000;

/** A worker makes no ticks from a list of the folder that is older than this. */
const KEPT_MS = 3_600_000;

/** Forgets schedules that left the registry. A new schedule has missed no tick. */
export async function syncSchedules(
  directory: JobDirectory,
  registry: JobRegistry,
  now: Date,
): Promise<void> {
  const wanted = new Set(scheduledOf(registry).map(idOf));
  for (const id of await namesIn(directory.schedules)) {
    const folder = path.join(directory.schedules, id);
    if (!wanted.has(id)) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  for (const id of wanted) {
    const folder = path.join(directory.schedules, id);
    await mkdir(folder, { recursive: true });
    if ((await namesIn(folder)).length === 0) await tryCreate(path.join(folder, nameOf(now)));
  }
}

/**
 * Makes a job of every tick up to `now` that has none, except for ticks older than the schedule's
 * back-fill. A tick at `awaited`, the time that the worker waited for, was not missed.
 *
 * @param own the worker's folder
 */
export async function makeTicks(
  directory: JobDirectory,
  registry: JobRegistry,
  own: string,
  { now, awaited }: { readonly now: Date; readonly awaited: number },
): Promise<void> {
  const isOnTime = now.getTime() - awaited < LATE_MS;
  for (const job of scheduledOf(registry)) {
    const folder = path.join(directory.schedules, idOf(job));
    const made = (await namesIn(folder)).map(Number);
    // A newer process whose registry lacks the schedule has forgotten it.
    if (made.length === 0) continue;
    const oldest = now.getTime() - job.schedule.backfill;
    const after = Math.max(...made, isOnTime ? Math.min(oldest, awaited - 1) : oldest);
    for (const tick of ticksBetween(job.schedule, new Date(after), now)) {
      await makeTick(directory, own, job, tick);
    }
    for (const time of made) {
      const isOld = time < Math.max(...made) && time < now.getTime() - KEPT_MS;
      if (isOld) await rm(path.join(folder, nameOf(new Date(time))), { force: true });
    }
  }
}

/** When the next tick comes, in Unix milliseconds. */
export function nextTickAt(registry: JobRegistry, now: Date): number {
  const ticks = scheduledOf(registry).map(({ schedule }) => nextTick(schedule, now)?.getTime());
  return Math.min(...ticks.filter((tick) => tick !== undefined));
}

/**
 * The job starts in the worker's folder. If the worker dies after it created the tick's file, others find
 * the job there and make it wait.
 */
async function makeTick(
  directory: JobDirectory,
  own: string,
  definition: Scheduled,
  tick: Date,
): Promise<void> {
  const { name, version, priority = 0, maxAttempts, schedule } = definition;
  const json = JSON.stringify(schedule.payload);
  const id = crypto.randomUUID();
  const facts = { id, name, version, priority, json, maxAttempts, runAt: tick, jobKey: undefined };
  const slot = `tick-${idOf(definition)}-${nameOf(tick)}`;
  const file = path.join(own, id);
  await rename(await writeDraft(directory, { ...newJob(facts, tick), slot }), file);
  const isOurs = await tryCreate(path.join(directory.schedules, idOf(definition), nameOf(tick)));
  if (isOurs) await tryLink(file, path.join(directory.waiting, slot));
  await rm(file, { force: true });
}

/** Returns `false` if the file exists, or if its folder is gone. */
async function tryCreate(file: string): Promise<boolean> {
  const created = unless(
    "ENOENT",
    writeFile(file, "", { flag: "wx" }).then(() => true),
  );
  return (await unless("EEXIST", created)) ?? false;
}

function scheduledOf(registry: JobRegistry): Scheduled[] {
  return registry.filter((job): job is Scheduled => job.schedule !== undefined);
}

/** A changed schedule counts as a new one. */
function idOf({ name, schedule }: Scheduled): string {
  return digest([name, schedule.cron, schedule.timezone]);
}

function nameOf(tick: Date): string {
  return String(tick.getTime());
}

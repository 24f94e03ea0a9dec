import { findRunnable, type JobRegistry } from "../../application/job-registry.ts";
import { createHeap, type Heap } from "./heap.ts";
import type { StoredJob } from "./stored-job.ts";

/** The jobs that nobody runs, so ordered that none has to be looked for among all of them. */
export interface WaitingJobs {
  put(job: StoredJob): void;
  /** Takes the next one that is due and known: by priority, then time, then arrival. */
  takeDue(registry: JobRegistry, now: number): StoredJob | undefined;
  /** When there is something to take for who has this registry, in unix milliseconds. */
  nextDue(registry: JobRegistry): number | undefined;
}

/** Those of one name and version: known to an instance, or not, together. */
interface Group {
  readonly name: string;
  readonly version: number;
  readonly due: Heap<StoredJob>;
  readonly later: Heap<StoredJob>;
}

export function createWaitingJobs(): WaitingJobs {
  const groups = new Map<string, Group>();

  function groupOf({ name, version }: StoredJob): Group {
    const id = `${version} ${name}`;
    const known = groups.get(id);
    if (known) return known;
    const made = { name, version, due: createHeap(isMoreUrgent), later: createHeap(isSooner) };
    groups.set(id, made);
    return made;
  }

  function* groupsOf(registry: JobRegistry): Generator<Group> {
    for (const group of groups.values()) {
      if (findRunnable(registry, group.name, group.version)) yield group;
    }
  }

  return {
    put: (job) => groupOf(job).later.put(job),
    takeDue(registry, now) {
      let next: Group | undefined;
      let first: StoredJob | undefined;
      for (const group of groupsOf(registry)) {
        const job = firstDue(group, now);
        if (!job || (first && !isMoreUrgent(job, first))) continue;
        [next, first] = [group, job];
      }
      return next?.due.takeFirst();
    },
    nextDue(registry) {
      let soonest: number | undefined;
      for (const { due, later } of groupsOf(registry)) {
        for (const job of [due.first(), later.first()]) {
          if (job) soonest = Math.min(soonest ?? job.runAt, job.runAt);
        }
      }
      return soonest;
    },
  };
}

function firstDue({ due, later }: Group, now: number): StoredJob | undefined {
  for (let job = later.first(); job && !isLater(job, now); job = later.first()) {
    later.takeFirst();
    due.put(job);
  }
  // Clocks are set back now and then: what was due may not be any more.
  for (let job = due.first(); job && isLater(job, now); job = due.first()) {
    due.takeFirst();
    later.put(job);
  }
  return due.first();
}

function isLater(job: StoredJob, now: number): boolean {
  return job.runAt > now;
}

function isMoreUrgent(one: StoredJob, other: StoredJob): boolean {
  return one.priority === other.priority ? isSooner(one, other) : one.priority < other.priority;
}

function isSooner(one: StoredJob, other: StoredJob): boolean {
  return one.runAt === other.runAt ? one.arrival < other.arrival : one.runAt < other.runAt;
}

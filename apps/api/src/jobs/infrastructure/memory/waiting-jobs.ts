import TinyQueue from "tinyqueue";
import { findRunnable, type JobRegistry } from "../../application/job-registry.ts";
import type { PreparedJob } from "../../application/prepare-enqueue.ts";

/** A job that is neither done nor dead. */
export interface StoredJob extends Omit<PreparedJob, "runAt" | "jobKey"> {
  /** Counts up, in the order of enqueues. */
  readonly arrival: number;
  /** The job's name and key, as one text. */
  readonly key: string | undefined;
  /** Runs that began. */
  attempts: number;
  /** Unix milliseconds. */
  runAt: number;
  /** The instance that runs it. */
  owner: string | undefined;
}

/** The jobs that no instance runs, indexed by name, version, priority and run time. */
export interface WaitingJobs {
  put(job: StoredJob): void;
  /** Takes the next due job that the registry can run: by priority, then time, then arrival. */
  takeDue(registry: JobRegistry, now: number): StoredJob | undefined;
  /** When the registry's next job is due, in Unix milliseconds. */
  nextDue(registry: JobRegistry): number | undefined;
}

/** The jobs of one name and version. An instance can run all of them or none. */
interface Group {
  readonly name: string;
  readonly version: number;
  readonly due: TinyQueue<StoredJob>;
  readonly later: TinyQueue<StoredJob>;
}

export function createWaitingJobs(): WaitingJobs {
  const groups = new Map<string, Group>();

  function groupOf({ name, version }: StoredJob): Group {
    const id = `${version} ${name}`;
    const known = groups.get(id);
    if (known) return known;
    const group = {
      name,
      version,
      due: new TinyQueue<StoredJob>([], byUrgency),
      later: new TinyQueue<StoredJob>([], byTime),
    };
    groups.set(id, group);
    return group;
  }

  function* groupsOf(registry: JobRegistry): Generator<Group> {
    for (const group of groups.values()) {
      if (findRunnable(registry, group.name, group.version)) yield group;
    }
  }

  return {
    put: (job) => groupOf(job).later.push(job),
    takeDue(registry, now) {
      let next: Group | undefined;
      let first: StoredJob | undefined;
      for (const group of groupsOf(registry)) {
        const job = firstDue(group, now);
        if (!job || (first && byUrgency(job, first) >= 0)) continue;
        [next, first] = [group, job];
      }
      return next?.due.pop();
    },
    nextDue(registry) {
      let soonest: number | undefined;
      for (const { due, later } of groupsOf(registry)) {
        for (const job of [due.peek(), later.peek()]) {
          if (job) soonest = Math.min(soonest ?? job.runAt, job.runAt);
        }
      }
      return soonest;
    },
  };
}

function firstDue({ due, later }: Group, now: number): StoredJob | undefined {
  for (let job = later.peek(); job && !isLater(job, now); job = later.peek()) {
    later.pop();
    due.push(job);
  }
  // A clock may be set back, and then a due job is not due any more.
  for (let job = due.peek(); job && isLater(job, now); job = due.peek()) {
    due.pop();
    later.push(job);
  }
  return due.peek();
}

function isLater(job: StoredJob, now: number): boolean {
  return job.runAt > now;
}

function byUrgency(one: StoredJob, other: StoredJob): number {
  return one.priority - other.priority || byTime(one, other);
}

function byTime(one: StoredJob, other: StoredJob): number {
  return one.runAt - other.runAt || one.arrival - other.arrival;
}

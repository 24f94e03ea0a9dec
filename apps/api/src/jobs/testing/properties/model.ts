import type { EnqueueCommand } from "./commands.ts";

// The contract as a model: what may become of each job. Where the contract leaves the outcome open, the
// model takes over what the provider showed.

/** Bounds of the time that has passed for the jobs of a world, in milliseconds. */
export interface Elapsed {
  readonly least: number;
  readonly most: number;
}

export interface ModelJob {
  /** Also the payload. */
  readonly id: number;
  readonly key: string | undefined;
  readonly maxAttempts: number;
  state: "waiting" | "running" | "done" | "dead";
  /** The attempt of the last run that began. */
  attempt: number;
  /** How many attempts a crash may have counted although no run was seen. */
  unseen: number;
  /** No run begins earlier, even if the most time has passed. */
  notBefore: number;
  /** If an instance works, a run has begun by then, even if the least time has passed. */
  dueBy: number;
  /** Whether the job holds its key, so that another enqueue with the key is absorbed. */
  hasKey: "yes" | "perhaps" | "no";
  /** The last error of a dead job; `undefined` if a stop cut its last attempt off. */
  diedOf: string | undefined;
}

export type Expectation = "added" | "absorbed" | "either";

export interface Model {
  /** Whether an instance takes jobs. */
  hasLiveInstance: boolean;
  jobs(): readonly ModelJob[];
  in(state: ModelJob["state"]): readonly ModelJob[];
  /** Jobs that may be dead already, because a crash cut off their last attempt. */
  doomed(): readonly ModelJob[];
  /** Tells what must become of an enqueue with this key. */
  expect(key: string | undefined, now: Elapsed): Expectation;
  nextId(): number;
  add(id: number, options: EnqueueCommand, now: Elapsed): void;
  remove(id: number): void;
  /** A run began. Throws if the contract forbids it. */
  begin(id: number, attempt: number, maxAttempts: number, now: Elapsed): void;
  succeed(id: number): void;
  fail(id: number, diedOf: string, now: Elapsed): void;
  failForGood(id: number, diedOf: string): void;
  /** A stopping instance aborted the run: the job may run elsewhere at once, or is dead. */
  cutShort(id: number, now: Elapsed): void;
  /** The ends of all runs so far are stored. Back-offs count from here. */
  endsAreStored(now: Elapsed): void;
  /**
   * An instance died with these runs. Providers differ in when the runs are repeated and who holds the keys
   * until then. The instance may also have begun runs of other due jobs.
   */
  crash(ids: ReadonlySet<number>, now: Elapsed): void;
}

/** A `runAt` is kept to the second. */
const SECOND_MS = 1_000;

/** A provider may look for due jobs this late. */
const SLACK_MS = 2_000;

const DEFAULT_MAX_ATTEMPTS = 10;

export function createModel(): Model {
  const jobs = new Map<number, ModelJob>();
  let ids = 0;

  const all = () => [...jobs.values()];
  const holders = (key: string) =>
    all().filter((job) => job.key === key && job.state === "waiting" && job.hasKey !== "no");

  function running(id: number): ModelJob {
    const job = jobs.get(id);
    if (job?.state !== "running") throw new Error(`job ${id} is not running`);
    return job;
  }

  function retry(job: ModelJob, notBefore: number): void {
    // NaN: the job is due only after the failure is stored, see endsAreStored.
    Object.assign(job, { state: "waiting", notBefore, dueBy: Number.NaN });
    if (job.key === undefined) return;
    const others = holders(job.key).filter((other) => other !== job);
    // If another job holds the key, this one may take it back when that job begins.
    job.hasKey = others.length === 0 ? "yes" : "perhaps";
  }

  const model: Model = {
    hasLiveInstance: false,
    jobs: all,
    in: (state) => all().filter((job) => job.state === state),
    doomed: () => all().filter(mayBeDead),
    expect(key, now) {
      if (key === undefined) return "added";
      const found = holders(key);
      if (found.length === 0) return "added";
      const isSure = (job: ModelJob) =>
        job.hasKey === "yes" && !(model.hasLiveInstance && mayBeTaken(job, now));
      return found.some(isSure) ? "absorbed" : "either";
    },
    nextId() {
      ids += 1;
      return ids;
    },
    add: (id, options, now) => void jobs.set(id, waitingJob(id, options, now)),
    remove: (id) => void jobs.delete(id),
    begin(id, attempt, maxAttempts, now) {
      const job = jobs.get(id);
      if (!job) throw new Error(`job ${id} runs, but its enqueue must be absorbed`);
      if (job.state !== "waiting") throw new Error(`job ${id} runs again, but it is ${job.state}`);
      const early = job.notBefore - now.most;
      if (early > 0) throw new Error(`job ${id} runs ${(early / 1_000).toFixed(3)} s too early`);
      const next = job.attempt + 1;
      if (attempt < next || attempt > Math.min(next + job.unseen, job.maxAttempts)) {
        throw new Error(
          `job ${id} runs as attempt ${attempt} after attempt ${job.attempt} of ${job.maxAttempts}`,
        );
      }
      if (maxAttempts !== job.maxAttempts) {
        throw new Error(`job ${id} has ${maxAttempts} attempts instead of ${job.maxAttempts}`);
      }
      Object.assign(job, { state: "running", attempt, unseen: 0, hasKey: "no" });
    },
    succeed(id) {
      running(id).state = "done";
    },
    fail(id, diedOf, now) {
      const job = running(id);
      if (job.attempt >= job.maxAttempts) model.failForGood(id, diedOf);
      else retry(job, now.most + backOffMs(job.attempt));
    },
    failForGood: (id, diedOf) => void Object.assign(running(id), { state: "dead", diedOf }),
    cutShort(id, now) {
      const job = running(id);
      if (job.attempt >= job.maxAttempts) Object.assign(job, { state: "dead", diedOf: undefined });
      else retry(job, now.most);
    },
    endsAreStored(now) {
      for (const job of jobs.values()) {
        if (job.state !== "waiting" || !Number.isNaN(job.dueBy)) continue;
        job.dueBy = now.least + backOffMs(job.attempt) + SLACK_MS;
      }
    },
    crash(ended, now) {
      for (const job of jobs.values()) {
        const wasRunning = ended.has(job.id);
        if (!wasRunning && !mayBeTaken(job, now)) continue;
        if (wasRunning) Object.assign(job, { state: "waiting", notBefore: now.most });
        else job.unseen += 1;
        job.dueBy = Number.POSITIVE_INFINITY;
        if (job.key !== undefined) job.hasKey = "perhaps";
      }
    },
  };
  return model;
}

function waitingJob(
  id: number,
  { key, maxAttempts = DEFAULT_MAX_ATTEMPTS, delay }: EnqueueCommand,
  now: Elapsed,
): ModelJob {
  const delayMs = (delay ?? 0) * 1_000;
  return {
    id,
    key,
    maxAttempts,
    state: "waiting",
    attempt: 0,
    unseen: 0,
    notBefore: delay === undefined ? now.most : now.most + delayMs - SECOND_MS,
    dueBy: delay === undefined ? now.least : now.least + delayMs + SLACK_MS,
    hasKey: key === undefined ? "no" : "yes",
    diedOf: undefined,
  };
}

function backOffMs(attempt: number): number {
  return 1_000 * Math.exp(Math.min(attempt, 10));
}

/** Whether a worker may take the job now or during the current step. */
function mayBeTaken({ state, notBefore }: ModelJob, now: Elapsed): boolean {
  return state === "waiting" && notBefore <= now.most + SECOND_MS;
}

function mayBeDead({ state, attempt, unseen, maxAttempts }: ModelJob): boolean {
  return state === "waiting" && attempt + unseen >= maxAttempts;
}

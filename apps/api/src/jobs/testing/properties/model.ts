import type { EnqueueCommand } from "./commands.ts";
import type { Elapsed } from "./elapsed.ts";
import {
  backOffMs,
  mayBeDead,
  mayBeTaken,
  type ModelJob,
  retryIsDueBy,
  waitingJob,
} from "./model-job.ts";

export type Expectation = "added" | "absorbed" | "either";

/** The contract: what becomes of jobs. What it leaves open is filled in from what was seen. */
export class Model {
  readonly #jobs = new Map<number, ModelJob>();
  #ids = 0;
  /** Whether there is an instance that takes jobs. */
  isWorked = false;

  get jobs(): readonly ModelJob[] {
    return [...this.#jobs.values()];
  }

  /** Jobs that may be dead without anybody having said so. */
  get doomed(): readonly ModelJob[] {
    return this.jobs.filter(mayBeDead);
  }

  in(state: ModelJob["state"]): readonly ModelJob[] {
    return this.jobs.filter((job) => job.state === state);
  }

  /** What must become of an enqueue with this key. */
  expect(key: string | undefined, now: Elapsed): Expectation {
    if (key === undefined) return "added";
    const holders = this.#holders(key);
    if (holders.length === 0) return "added";
    const isSure = (job: ModelJob) =>
      job.hasKey === "yes" && !(this.isWorked && mayBeTaken(job, now));
    return holders.some(isSure) ? "absorbed" : "either";
  }

  nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  add(id: number, options: EnqueueCommand, now: Elapsed): void {
    this.#jobs.set(id, waitingJob(id, options, now));
  }

  remove(id: number): void {
    this.#jobs.delete(id);
  }

  /** A run was begun. Throws if none may. */
  begin(id: number, attempt: number, maxAttempts: number, now: Elapsed): void {
    const job = this.#jobs.get(id);
    if (!job) throw new Error(`job ${id} runs, although its enqueue was to be absorbed`);
    if (job.state !== "waiting") throw new Error(`job ${id} runs once more, but is ${job.state}`);
    const early = job.notBefore - now.most;
    if (early > 0) throw new Error(`job ${id} runs ${(early / 1_000).toFixed(3)} s too early`);
    const next = job.attempt + 1;
    if (attempt < next || attempt > Math.min(next + job.unseen, job.maxAttempts))
      throw new Error(
        `job ${id} runs as attempt ${attempt} after ${job.attempt} of ${job.maxAttempts}`,
      );
    if (maxAttempts !== job.maxAttempts)
      throw new Error(`job ${id} was told ${maxAttempts} attempts instead of ${job.maxAttempts}`);
    Object.assign(job, { state: "running", attempt, unseen: 0, hasKey: "no" });
  }

  succeed(id: number): void {
    this.#running(id).state = "done";
  }

  failForGood(id: number, diedOf: string): void {
    Object.assign(this.#running(id), { state: "dead", diedOf });
  }

  fail(id: number, diedOf: string, now: Elapsed): void {
    const job = this.#running(id);
    if (job.attempt >= job.maxAttempts) this.failForGood(id, diedOf);
    else this.#retry(job, now.most + backOffMs(job.attempt));
  }

  /** Its instance has stopped, and told it so: it may go on elsewhere at once, or has failed. */
  cutShort(id: number, now: Elapsed): void {
    const job = this.#running(id);
    if (job.attempt >= job.maxAttempts) Object.assign(job, { state: "dead", diedOf: undefined });
    else this.#retry(job, now.most);
  }

  /** The ends of runs up to here are stored, from which the pauses are counted. */
  endsAreStored(now: Elapsed): void {
    for (const job of this.#jobs.values()) {
      if (job.state === "waiting" && Number.isNaN(job.dueBy)) job.dueBy = retryIsDueBy(job, now);
    }
  }

  /**
   * An instance has died with these runs. When they are made again, and who has their keys until then,
   * differs; and of what was due it may have begun something.
   */
  crash(ids: ReadonlySet<number>, now: Elapsed): void {
    for (const job of this.#jobs.values()) {
      const wasRunning = ids.has(job.id);
      if (!wasRunning && !mayBeTaken(job, now)) continue;
      if (wasRunning) Object.assign(job, { state: "waiting", notBefore: now.most });
      else job.unseen += 1;
      job.dueBy = Number.POSITIVE_INFINITY;
      if (job.key !== undefined) job.hasKey = "perhaps";
    }
  }

  #retry(job: ModelJob, notBefore: number): void {
    // NaN: until the failure is stored, nobody can say.
    Object.assign(job, { state: "waiting", notBefore, dueBy: Number.NaN });
    if (job.key === undefined) return;
    const others = this.#holders(job.key).filter((other) => other !== job);
    // Without its key it may take it later, when the other has begun.
    job.hasKey = others.length === 0 ? "yes" : "perhaps";
  }

  #holders(key: string): ModelJob[] {
    return this.jobs.filter(
      (job) => job.key === key && job.state === "waiting" && job.hasKey !== "no",
    );
  }

  #running(id: number): ModelJob {
    const job = this.#jobs.get(id);
    if (job?.state !== "running") throw new Error(`job ${id} is not running`);
    return job;
  }
}

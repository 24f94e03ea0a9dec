import { PermanentJobError } from "../../application/job-errors.ts";
import type { ContractWorld } from "../contract-harness.ts";
import type { Command, LateEnd } from "./commands.ts";
import { differences } from "./differences.ts";
import { WorldTime } from "./elapsed.ts";
import { type Instance, Instances, type Run } from "./instances.ts";
import { Model } from "./model.ts";
import { playEnqueue } from "./play-enqueue.ts";
import { untilNone } from "./until.ts";

/** A start may make as much time pass for what waits. */
const START_SECONDS = 5;

/** Longer than anything waits that is not lost. */
const DRAIN_SECONDS = 2_000;

/** Does the same to a world and to the model, and compares the two after every step. */
export class Play {
  readonly world: ContractWorld;
  readonly model = new Model();
  readonly time = new WorldTime();
  readonly #patienceMs: number;
  readonly #instances: Instances;
  readonly #wrong: string[] = [];
  #isDraining = false;

  constructor(world: ContractWorld, patienceMs: number) {
    this.world = world;
    this.#patienceMs = patienceMs;
    this.#instances = new Instances(world, {
      begins: (instance, run) => this.#begins(instance, run),
      isAborted: (instance, run) => this.#isAborted(instance, run),
    });
  }

  async step(command: Command): Promise<void> {
    await this.#do(command);
    await this.#agree();
  }

  /** Everybody succeeds from now on: in the end every job is done or dead. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    for (const { instance, run } of this.#instances.runs) this.#succeed(instance, run);
    if (!this.model.isWorked) await this.#start();
    await untilNone(this.#patienceMs, async () => {
      this.check();
      await this.#elapse(DRAIN_SECONDS);
      const pending = await this.world.pendingCount();
      return pending === 0 ? [] : [`${pending} jobs are neither done nor dead in the end`];
    });
    await this.#agree();
    const doomed = new Set(this.model.doomed);
    const lost = this.model.in("waiting").filter((job) => !doomed.has(job));
    if (lost.length > 0) throw new Error(`lost: ${lost.map(({ id }) => `job ${id}`).join(", ")}`);
  }

  /** Throws if a run has shown something wrong. */
  check(): void {
    if (this.#wrong.length > 0) throw new Error(this.#wrong.join("\n"));
  }

  async #agree(): Promise<void> {
    await untilNone(this.#patienceMs, async () => {
      this.check();
      return differences(this.world, this.model, () => this.time.now());
    });
    this.check();
    this.model.endsAreStored(this.time.now());
  }

  async #do(command: Command): Promise<void> {
    const { live, runs } = this.#instances;
    switch (command.do) {
      case "enqueue":
        return playEnqueue(this, [command]);
      case "enqueueMany":
        return playEnqueue(this, command.jobs);
      case "succeed":
      case "fail":
      case "failForGood": {
        const under = at(runs, command.run);
        return under && this.#end(under.instance, under.run, command.do);
      }
      case "advance":
        return this.#elapse(command.seconds);
      case "start":
        return this.#start();
      case "stop":
        return this.#stop(at(live, command.instance));
      case "crash":
        return this.#crash(at(live, command.instance), command.late);
    }
  }

  #elapse(seconds: number): Promise<void> {
    return this.time.during(seconds, () => this.world.elapse(seconds));
  }

  #end(instance: Instance, run: Run, how: "succeed" | "fail" | "failForGood"): void {
    if (how === "succeed") return this.#succeed(instance, run);
    instance.runs.delete(run.id);
    const message = `job ${run.id} failed in attempt ${run.attempt}`;
    if (how === "fail") {
      this.model.fail(run.id, message, this.time.now());
      run.fail(new Error(message));
    } else {
      this.model.failForGood(run.id, message);
      run.fail(new PermanentJobError(message));
    }
  }

  #succeed(instance: Instance, run: Run): void {
    instance.runs.delete(run.id);
    this.model.succeed(run.id);
    run.succeed();
  }

  async #start(): Promise<void> {
    const instance = this.#instances.next();
    if (!instance) return;
    // Its runs may begin before it says so.
    instance.state = "live";
    await this.time.during(START_SECONDS, () => instance.runtime.start(), 0);
    this.#seeWhoWorks();
  }

  async #stop(instance: Instance | undefined): Promise<void> {
    if (!instance) return;
    instance.state = "stopping";
    this.#seeWhoWorks();
    await instance.runtime.stop();
    instance.state = "stopped";
    for (const { id } of instance.runs.values())
      this.#wrong.push(`the run of job ${id} was not told to end when its instance was stopped`);
  }

  async #crash(instance: Instance | undefined, late: LateEnd): Promise<void> {
    if (!instance) return;
    const runs = [...instance.runs.values()];
    instance.state = "dead";
    instance.late = late;
    this.#seeWhoWorks();
    this.model.crash(new Set(instance.runs.keys()), this.time.now());
    instance.runs.clear();
    await this.world.crash(instance.runtime);
    for (const run of runs) endLate(run, late);
  }

  #seeWhoWorks(): void {
    this.model.isWorked = this.#instances.live.length > 0;
  }

  #begins(instance: Instance, run: Run): void {
    if (instance.state === "dead") return endLate(run, instance.late);
    if (instance.state === "stopped") this.#wrong.push(`job ${run.id} runs after the stop`);
    try {
      this.model.begin(run.id, run.attempt, run.maxAttempts, this.time.now());
    } catch (error) {
      this.#wrong.push(error instanceof Error ? error.message : String(error));
      return;
    }
    instance.runs.set(run.id, run);
    if (this.#isDraining) this.#succeed(instance, run);
  }

  #isAborted(instance: Instance, run: Run): void {
    if (instance.state === "dead" || instance.runs.get(run.id) !== run) return;
    if (instance.state !== "stopping") this.#wrong.push(`job ${run.id} was told to end by nobody`);
    instance.runs.delete(run.id);
    this.model.cutShort(run.id, this.time.now());
  }
}

/** Nothing of it may be heard. */
function endLate(run: Run, late: LateEnd): void {
  if (late === "succeed") run.succeed();
  if (late === "fail") run.fail(new Error(`job ${run.id} failed after its instance had died`));
}

function at<T>(list: readonly T[], index: number): T | undefined {
  return list[index % list.length];
}

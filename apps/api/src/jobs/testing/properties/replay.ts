import { inspect } from "node:util";
import { PermanentJobError } from "../../application/job-errors.ts";
import type { EnqueueRequest } from "../../application/job-queue.ts";
import { inWorld } from "../case-steps.ts";
import type { ContractHarness, ContractWorld } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import type { Command, EnqueueCommand, LateEnd } from "./commands.ts";
import { differences, untilNone } from "./differences.ts";
import { createInstances, type Instance, type Run } from "./instances.ts";
import { createModel, type Elapsed, type Model } from "./model.ts";

/** Longer than any provider takes to act. */
const PATIENCE_MS = 15_000;

/** Up to this much time may pass for waiting jobs while an instance starts. */
const START_SECONDS = 5;

/** Longer than any job waits, unless it is lost. */
const DRAIN_SECONDS = 2_000;

/** Takes each step on the provider and in the model. Rejects at the first step where they differ. */
export async function replay(
  harness: ContractHarness,
  commands: readonly Command[],
  patienceMs = PATIENCE_MS,
): Promise<void> {
  // The queue needs a registry. Each instance has its own definition of the job.
  const job = contractJob("contract.work", async () => undefined);
  await inWorld(harness, [job], async (world) => {
    const play = createPlay(world, patienceMs);
    for (const [index, command] of commands.entries()) {
      await play.step(command).catch((error: unknown) => {
        throw stepError(`step ${index + 1}, ${inspect(command, { breakLength: 1_000 })}`, error);
      });
    }
    await play.drain().catch((error: unknown) => {
      throw stepError("the last step, while every job ends", error);
    });
  });
}

function stepError(step: string, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Error(`after ${step}: ${message}`, { cause });
}

interface Play {
  step(command: Command): Promise<void>;
  /** Lets every run succeed from now on. In the end every job must be done or dead. */
  drain(): Promise<void>;
}

function createPlay(world: ContractWorld, patienceMs: number): Play {
  const model = createModel();
  const time = createWorldTime();
  /** Contract violations that runs have shown. */
  const violations: string[] = [];
  let isDraining = false;

  const instances = createInstances(world, {
    begins(instance, run) {
      if (instance.state === "dead") return endLate(run, instance.late);
      if (instance.state === "stopped") violations.push(`job ${run.id} runs after the stop`);
      try {
        model.begin(run.id, run.attempt, run.maxAttempts, time.now());
      } catch (error) {
        violations.push(error instanceof Error ? error.message : String(error));
        return;
      }
      instance.runs.set(run.id, run);
      if (isDraining) succeed(instance, run);
    },
    isAborted(instance, run) {
      if (instance.state === "dead" || instance.runs.get(run.id) !== run) return;
      if (instance.state !== "stopping")
        violations.push(`job ${run.id} was aborted without a stop`);
      instance.runs.delete(run.id);
      model.cutShort(run.id, time.now());
    },
  });

  function check(): void {
    if (violations.length > 0) throw new Error(violations.join("\n"));
  }

  /** Waits until the provider shows the state of the model. */
  async function agree(): Promise<void> {
    await untilNone(patienceMs, async () => {
      check();
      return differences(world, model, time.now);
    });
    check();
    model.endsAreStored(time.now());
  }

  async function take(command: Command): Promise<void> {
    switch (command.do) {
      case "enqueue":
        return enqueue(world, model, time, [command]);
      case "enqueueMany":
        return enqueue(world, model, time, command.jobs);
      case "succeed":
      case "fail":
      case "failForGood": {
        const found = at(instances.runs(), command.run);
        return found && end(found.instance, found.run, command.do);
      }
      case "advance":
        return elapse(command.seconds);
      case "start":
        return start();
      case "stop":
        return stop(at(instances.live(), command.instance));
      case "crash":
        return crash(at(instances.live(), command.instance), command.late);
    }
  }

  function elapse(seconds: number): Promise<void> {
    return time.during(seconds, () => world.elapse(seconds));
  }

  function end(instance: Instance, run: Run, how: "succeed" | "fail" | "failForGood"): void {
    if (how === "succeed") return succeed(instance, run);
    instance.runs.delete(run.id);
    const message = `job ${run.id} failed in attempt ${run.attempt}`;
    if (how === "fail") {
      model.fail(run.id, message, time.now());
      run.fail(new Error(message));
    } else {
      model.failForGood(run.id, message);
      run.fail(new PermanentJobError(message));
    }
  }

  function succeed(instance: Instance, run: Run): void {
    instance.runs.delete(run.id);
    model.succeed(run.id);
    run.succeed();
  }

  async function start(): Promise<void> {
    const instance = instances.next();
    if (!instance) return;
    // Runs may begin before start() resolves.
    instance.state = "live";
    await time.during(START_SECONDS, () => instance.runtime.start(), 0);
    updateLiveness();
  }

  async function stop(instance: Instance | undefined): Promise<void> {
    if (!instance) return;
    instance.state = "stopping";
    updateLiveness();
    await instance.runtime.stop();
    instance.state = "stopped";
    for (const { id } of instance.runs.values()) {
      violations.push(`the run of job ${id} was not aborted when its instance stopped`);
    }
  }

  async function crash(instance: Instance | undefined, late: LateEnd): Promise<void> {
    if (!instance) return;
    const runs = [...instance.runs.values()];
    instance.state = "dead";
    instance.late = late;
    updateLiveness();
    model.crash(new Set(instance.runs.keys()), time.now());
    instance.runs.clear();
    await world.crash(instance.runtime);
    for (const run of runs) endLate(run, late);
  }

  function updateLiveness(): void {
    model.hasLiveInstance = instances.live().length > 0;
  }

  return {
    async step(command) {
      await take(command);
      await agree();
    },
    async drain() {
      isDraining = true;
      for (const { instance, run } of instances.runs()) succeed(instance, run);
      if (!model.hasLiveInstance) await start();
      await untilNone(patienceMs, async () => {
        check();
        await elapse(DRAIN_SECONDS);
        const pending = await world.pendingCount();
        return pending === 0 ? [] : [`${pending} jobs are neither done nor dead in the end`];
      });
      await agree();
      const doomed = new Set(model.doomed());
      const lost = model.in("waiting").filter((job) => !doomed.has(job));
      if (lost.length > 0) throw new Error(`lost: ${lost.map(({ id }) => `job ${id}`).join(", ")}`);
    },
  };
}

/** Ends a run of a dead instance. The provider must ignore the outcome. */
function endLate(run: Run, late: LateEnd): void {
  if (late === "succeed") run.succeed();
  if (late === "fail") run.fail(new Error(`job ${run.id} failed after its instance had died`));
}

function at<T>(list: readonly T[], index: number): T | undefined {
  return list[index % list.length];
}

/** Enqueues jobs that use at most one key, and finds out whether the key absorbed one. */
async function enqueue(
  world: ContractWorld,
  model: Model,
  time: WorldTime,
  jobs: readonly EnqueueCommand[],
): Promise<void> {
  const known = model.jobs().filter(({ state }) => state !== "done").length;
  const entries = jobs.map((options) => ({ id: model.nextId(), options }));
  const keyed = entries.find(({ options }) => options.key !== undefined);
  const expected = model.expect(keyed?.options.key, time.now());
  // The count below would take a job that dies meanwhile for the new one.
  if (expected === "either" && model.doomed().length > 0) return;

  // Add the jobs first, since they may run before the enqueue resolves.
  const added = entries.filter(
    (entry) => entry.options.key === undefined || (entry === keyed && expected !== "absorbed"),
  );
  for (const { id, options } of added) model.add(id, options, time.now());
  const requests = entries.map(({ id, options }) => requestOf(world, id, options));
  const [only, ...others] = requests;
  if (!only || others.length > 0) await world.queue.enqueueMany(requests);
  else await world.queue.enqueue(only.name, only.payload, only.options);

  if (model.doomed().length > 0) return;
  const count = (await world.pendingCount()) + (await world.deadJobs()).length - known;
  const wasAbsorbed = expected === "either" && count === added.length - 1;
  if (wasAbsorbed && keyed) model.remove(keyed.id);
  else if (count !== added.length) {
    throw new Error(`${count} jobs were added instead of ${added.length}`);
  }
}

function requestOf(
  world: ContractWorld,
  id: number,
  { key, maxAttempts, delay }: EnqueueCommand,
): EnqueueRequest {
  return {
    name: "contract.work",
    payload: id,
    options: {
      ...(key !== undefined && { jobKey: key }),
      ...(maxAttempts !== undefined && { maxAttempts }),
      ...(delay !== undefined && { runAt: new Date(world.now().getTime() + delay * 1_000) }),
    },
  };
}

/** Measures the time of a world with two bounds. So a run counts as too early or too late only if it is. */
interface WorldTime {
  now(): Elapsed;
  /** Lets up to `seconds` pass while `pass` runs, and at least `surely` seconds. */
  during(seconds: number, pass: () => Promise<unknown>, surely?: number): Promise<void>;
}

function createWorldTime(): WorldTime {
  const added = { least: 0, most: 0 };
  return {
    now() {
      const real = performance.now();
      return { least: real + added.least, most: real + added.most };
    },
    async during(seconds, pass, surely = seconds) {
      added.most += seconds * 1_000;
      await pass();
      added.least += surely * 1_000;
    },
  };
}

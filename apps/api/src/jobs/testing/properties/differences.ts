import type { ContractWorld } from "../contract-harness.ts";
import type { Elapsed, Model, ModelJob } from "./model.ts";

/** Lists where the world differs from the model. */
export async function differences(
  world: ContractWorld,
  model: Model,
  now: () => Elapsed,
): Promise<readonly string[]> {
  const dead = await world.deadJobs();
  const pending = await world.pendingCount();
  const waiting = await world.waitingCount();
  const found: string[] = [];
  const compare = (what: string, actual: number, expected: number) => {
    if (actual !== expected) found.push(`${what}: ${actual} instead of ${expected}`);
  };

  // Cross off each dead job of the model. The rest must be jobs that may be dead.
  const errors = dead.map(({ attempts, lastError }) => `${attempts}: ${lastError}`);
  const crossOff = (what: string, matches: (error: string) => boolean) => {
    const at = errors.findIndex(matches);
    if (at < 0) found.push(`not dead: ${what}`);
    else errors.splice(at, 1);
  };
  const expected = model.in("dead");
  for (const { attempt, diedOf } of expected.filter(hasError)) {
    crossOff(diedOf, (error) => error === `${attempt}: ${diedOf}`);
  }
  for (const { attempt } of expected.filter((job) => !hasError(job))) {
    const what = `a job whose attempt ${attempt} was cut off`;
    crossOff(what, (error) => error.startsWith(`${attempt}: `));
  }
  if (errors.length > model.doomed().length) {
    found.push(`dead, but must not be: ${errors.join(", ")}`);
  }

  const running = model.in("running").length;
  const left = model.in("waiting").length - errors.length;
  compare("jobs that wait or run", pending, left + running);
  // Without a live instance, providers differ in whether a dead instance's jobs wait or run.
  if (model.hasLiveInstance) compare("jobs that wait", waiting, left);
  for (const { id, dueBy } of model.hasLiveInstance ? model.in("waiting") : []) {
    if (dueBy <= now().least) found.push(`job ${id} is due and does not run`);
  }
  return found;
}

function hasError(job: ModelJob): job is ModelJob & { readonly diedOf: string } {
  return job.diedOf !== undefined;
}

/** Poll quickly this many times: only what is left then needs real time. */
const QUICK_TURNS = 20;

/** Polls until `find` returns nothing. Rejects with its last result after `patienceMs` milliseconds. */
export async function untilNone(
  patienceMs: number,
  find: () => Promise<readonly string[]>,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (let turn = 1; ; turn++) {
    const found = await find();
    if (found.length === 0) return;
    if (performance.now() > deadline) {
      throw new Error([`still true after ${patienceMs} ms:`, ...found].join("\n  "));
    }
    await new Promise((resolve) => {
      if (turn < QUICK_TURNS) setImmediate(resolve);
      else setTimeout(resolve, 20);
    });
  }
}

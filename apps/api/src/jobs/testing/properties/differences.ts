import type { ContractWorld } from "../contract-harness.ts";
import type { Elapsed } from "./elapsed.ts";
import type { Model } from "./model.ts";
import type { ModelJob } from "./model-job.ts";

/** What keeps the world from being as the model says. */
export async function differences(
  world: ContractWorld,
  model: Model,
  now: () => Elapsed,
): Promise<readonly string[]> {
  const [dead, pending, waiting] = [
    await world.deadJobs(),
    await world.pendingCount(),
    await world.waitingCount(),
  ];
  const found: string[] = [];
  const compare = (what: string, actual: number, expected: number) => {
    if (actual !== expected) found.push(`${what}: ${actual} instead of ${expected}`);
  };

  const errors = dead.map(({ attempts, lastError }) => `${attempts}: ${lastError}`);
  const take = (what: string, matches: (error: string) => boolean) => {
    const at = errors.findIndex(matches);
    if (at < 0) found.push(`not dead: ${what}`);
    else errors.splice(at, 1);
  };
  const [said, cutShort] = [model.in("dead").filter(hasSaid), model.in("dead")];
  for (const { attempt, diedOf } of said)
    take(diedOf, (error) => error === `${attempt}: ${diedOf}`);
  for (const { attempt, diedOf } of cutShort) {
    if (diedOf === undefined)
      take(`a job whose attempt ${attempt} was cut short`, (error) =>
        error.startsWith(`${attempt}: `),
      );
  }
  if (errors.length > model.doomed.length)
    found.push(`dead, and should not be: ${errors.join(", ")}`);

  const unsaid = errors.length;
  const running = model.in("running").length;
  const left = model.in("waiting").length - unsaid;
  compare("jobs neither done nor dead", pending, left + running);
  // While nobody works, what a dead instance had is waiting or not, as the provider sees it.
  if (model.isWorked) compare("jobs that wait", waiting, left);
  for (const { id, dueBy } of model.isWorked ? model.in("waiting") : []) {
    if (dueBy <= now().least) found.push(`job ${id} is due and does not run`);
  }
  return found;
}

function hasSaid(job: ModelJob): job is ModelJob & { readonly diedOf: string } {
  return job.diedOf !== undefined;
}

import type { JobContext, JobDefinition } from "../application/job-definition.ts";
import type { JobRuntime } from "../application/job-runtime.ts";
import type { ContractHarness, ContractWorld, RuntimeOptions } from "./contract-harness.ts";

/** A world of its own for a case, closed whatever happens. */
export async function inWorld(
  harness: ContractHarness,
  definitions: readonly JobDefinition[],
  run: (world: ContractWorld) => Promise<void>,
): Promise<void> {
  const world = await harness.open(definitions);
  try {
    await run(world);
  } finally {
    await world.close();
  }
}

/** Starts a runtime of the world. */
export async function work(world: ContractWorld, options?: RuntimeOptions): Promise<JobRuntime> {
  const runtime = world.runtime(options);
  await runtime.start();
  return runtime;
}

/** Resolves when the run's signal aborts. */
export function whenAborted({ signal }: Pick<JobContext, "signal">): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

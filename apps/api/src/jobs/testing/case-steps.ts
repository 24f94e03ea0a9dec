import type { JobContext, JobDefinition } from "../application/job-definition.ts";
import type { JobRuntime } from "../application/job-runtime.ts";
import type { ContractHarness, ContractWorld, RuntimeOptions } from "./contract-harness.ts";
import { eventually } from "./probe.ts";

// Steps that many cases share.

/** Longer than every back-off in the cases, except where they test the longest one. */
export const LONG_SECONDS = 1_000;

/** Opens a world for one case, and closes it when the case ends. */
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

/** Starts an instance. */
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

/** Waits until a job waits for the attempt after this failed one. */
export async function untilFailed(world: ContractWorld, attempt: number): Promise<void> {
  await eventually(
    `attempt ${attempt} has failed`,
    async () => (await world.waitingAfter(attempt)) > 0,
  );
}

/** Waits until this attempt has failed, then lets the back-off pass. */
export async function skipBackOff(world: ContractWorld, attempt: number): Promise<void> {
  await untilFailed(world, attempt);
  await world.elapse(LONG_SECONDS);
}

/** Waits until every job is done or dead. A run's end is stored some time after its handler returns. */
export async function untilSettled(world: ContractWorld): Promise<void> {
  await eventually("every job is settled", async () => (await world.pendingCount()) === 0);
}

/** Waits until this many jobs are dead. */
export async function untilDead(world: ContractWorld, count: number): Promise<void> {
  await eventually(`${count} jobs are dead`, async () => (await world.deadJobs()).length === count);
}

import type { ContractWorld } from "./contract-harness.ts";
import { eventually } from "./probe.ts";

/** Longer than any pause between attempts that the cases come to. */
export const LONG_SECONDS = 1_000;

/** Waits until the failure of that attempt is stored, then lets the pause go by. */
export async function waitsForRetry(world: ContractWorld, attempt: number): Promise<void> {
  await failureIsStored(world, attempt);
  await world.elapse(LONG_SECONDS);
}

/** Waits until the job waits for its next attempt. */
export async function failureIsStored(world: ContractWorld, attempt: number): Promise<void> {
  await eventually(
    `attempt ${attempt} has failed`,
    async () => (await world.waitingAfter(attempt)) > 0,
  );
}

/** Waits until all jobs are done or dead: the end of a run is stored later than its handler ends. */
export async function allAreOver(world: ContractWorld): Promise<void> {
  await eventually("all jobs are over", async () => (await world.pendingCount()) === 0);
}

import type { ContractHarness } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { inWorld } from "../case-steps.ts";
import type { Command } from "./commands.ts";
import { Play } from "./play.ts";
import { inspect } from "node:util";

/** Longer than any provider takes to do what it promised. */
const PATIENCE_MS = 15_000;

/** Puts the provider to a sequence of steps. Rejects at the first that breaks the contract. */
export async function replay(
  harness: ContractHarness,
  commands: readonly Command[],
  patienceMs = PATIENCE_MS,
): Promise<void> {
  // Only a registry for the queue: each instance has a definition of its own.
  const job = contractJob("contract.work", async () => undefined);
  await inWorld(harness, [job], async (world) => {
    const play = new Play(world, patienceMs);
    for (const [index, command] of commands.entries()) {
      await play.step(command).catch((error: unknown) => {
        throw stepError(`step ${index + 1}, ${inspect(command, { breakLength: 1_000 })}`, error);
      });
    }
    await play.drain().catch((error: unknown) => {
      throw stepError("all steps, in the end", error);
    });
  });
}

function stepError(step: string, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Error(`after ${step}: ${message}`, { cause });
}

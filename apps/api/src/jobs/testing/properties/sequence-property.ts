import * as fc from "fast-check";
import type { ContractHarness } from "../contract-harness.ts";
import { type Command, sequences } from "./commands.ts";
import { replay } from "./replay.ts";
import { sequenceTest } from "./sequence-text.ts";

export interface SequenceOptions {
  /** How many sequences. */
  readonly runs: number;
  /** How many steps a sequence has at most. */
  readonly steps: number;
  readonly seed: number;
  /** How many sequences at a time, each in a world of its own. Default: 1. */
  readonly lanes?: number;
  readonly patienceMs?: number;
}

/** How long it is looked for a shorter sequence that fails. */
const SHRINK_MS = 120_000;

/** A sequence that the provider does not stand. */
export class SequenceError extends Error {
  override readonly name = "SequenceError";
  readonly commands: readonly Command[];

  constructor(message: string, commands: readonly Command[], cause: unknown) {
    super(message, { cause });
    this.commands = commands;
  }
}

/** Puts the provider to random sequences. Rejects with the shortest that fails, as a test to paste. */
export async function checkSequences(
  harness: ContractHarness,
  options: SequenceOptions,
): Promise<void> {
  const { lanes = 1, seed, runs } = options;
  // Each lane has its part of the runs, and its own seed that follows from the first.
  const each = Math.ceil(runs / lanes);
  await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      checkLane(harness, { ...options, lanes, seed: seed + lane, runs: each }),
    ),
  );
}

async function checkLane(
  harness: ContractHarness,
  { runs, steps, seed, lanes, patienceMs }: SequenceOptions & { readonly lanes: number },
): Promise<void> {
  let shrinkUntil = Number.POSITIVE_INFINITY;
  const property = fc.asyncProperty(sequences(steps), async (commands) => {
    // Whatever passes ends the search.
    if (performance.now() > shrinkUntil) return;
    try {
      await replay(harness, commands, patienceMs);
    } catch (error) {
      shrinkUntil = Math.min(shrinkUntil, performance.now() + SHRINK_MS);
      throw error;
    }
  });
  const { counterexample, errorInstance, numRuns, numShrinks } = await fc.check(property, {
    seed,
    numRuns: runs,
  });
  if (!counterexample) return;
  const { name: provider } = harness.provider;
  const [commands] = counterexample;
  const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  const message = `${provider} breaks the contract ${reason}

Found by seed ${seed} in run ${numRuns}, shrunk ${numShrinks} times. To look again:
  PROPERTY_SEED=${seed} PROPERTY_RUNS=${numRuns * lanes} npx vitest run contract-properties -t ${provider}
To keep it:

${sequenceTest(provider, commands)}`;
  throw new SequenceError(message, commands, errorInstance);
}

import { inspect } from "node:util";
import * as fc from "fast-check";
import type { ContractHarness } from "../contract-harness.ts";
import { type Command, sequences } from "./commands.ts";
import { replay } from "./replay.ts";

export interface SequenceOptions {
  /** How many sequences to try. */
  readonly runs: number;
  /** The longest sequence. */
  readonly steps: number;
  readonly seed: number;
  /** How many sequences run at a time, each in its own world. Default: 1. */
  readonly lanes?: number;
  readonly patienceMs?: number;
}

/** How long to search for a shorter failing sequence. */
const SHRINK_MS = 120_000;

/** A sequence on which the provider breaks the contract. */
export class SequenceError extends Error {
  override readonly name = "SequenceError";
  readonly commands: readonly Command[];

  constructor(message: string, commands: readonly Command[], cause: unknown) {
    super(message, { cause });
    this.commands = commands;
  }
}

/** Tries random sequences. Rejects with the shortest failing one that it finds, as a test to paste. */
export async function checkSequences(
  harness: ContractHarness,
  options: SequenceOptions,
): Promise<void> {
  const { lanes = 1, seed, runs } = options;
  // Each lane has its share of the runs and its own seed.
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
    // A sequence that passes ends the search.
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

Found by seed ${seed} in run ${numRuns}, shrunk ${numShrinks} times. To repeat:
  PROPERTY_SEED=${seed} PROPERTY_RUNS=${numRuns * lanes} npx vitest run contract-properties -t ${provider}
To keep it as a test:

${sequenceTest(provider, commands)}`;
  throw new SequenceError(message, commands, errorInstance);
}

/** Prints the sequence as a test to paste. */
function sequenceTest(provider: string, commands: readonly Command[]): string {
  const lines = commands.map((command) => {
    const text = inspect(command, { breakLength: Number.POSITIVE_INFINITY, depth: null });
    return `    ${text.replaceAll("'", '"')},\n`;
  });
  return `test("a sequence that once failed on ${provider}", () =>
  replay(${provider}Harness, [
${lines.join("")}  ]));`;
}

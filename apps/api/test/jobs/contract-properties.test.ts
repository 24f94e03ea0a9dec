import { describe, test } from "vitest";
import type { ContractHarness } from "#src/jobs/testing/contract-harness.ts";
import type { Command } from "#src/jobs/testing/properties/commands.ts";
import { replay } from "#src/jobs/testing/properties/replay.ts";
import { checkSequences } from "#src/jobs/testing/properties/sequence-property.ts";
import { graphileHarness } from "../support/graphile-harness.ts";
import { memoryHarness } from "../support/memory-harness.ts";
import { openQStashWorld, qstashHarness as narrow } from "../support/qstash-harness.ts";

const { PROPERTY_SEED, PROPERTY_RUNS } = process.env;
const anySeed = () => Math.trunc(Math.random() * 2 ** 31);
const seed = PROPERTY_SEED === undefined ? anySeed() : Number(PROPERTY_SEED);
/** Leaves time for shrinking and for PROPERTY_RUNS. */
const timeout = PROPERTY_RUNS === undefined ? 300_000 : 3_600_000;

/** Runs more jobs at a time than a sequence has, so that every due job runs. */
const qstashHarness: ContractHarness = {
  provider: narrow.provider,
  open: (definitions) => openQStashWorld(definitions, {}, undefined, 100),
};

const harnesses = [memoryHarness, graphileHarness, qstashHarness];

describe.concurrent("random sequences keep the contract", () => {
  // oxlint-disable-next-line vitest/expect-expect -- rejects where the contract is broken
  test.for([
    { harness: memoryHarness, runs: 1_000, steps: 25, lanes: 2 },
    { harness: graphileHarness, runs: 16, steps: 20, lanes: 4 },
    { harness: qstashHarness, runs: 16, steps: 20, lanes: 4 },
  ])("on $harness.provider.name", { timeout }, async ({ harness, runs, ...options }) => {
    const wanted = PROPERTY_RUNS === undefined ? runs : Number(PROPERTY_RUNS);
    await checkSequences(harness, { ...options, seed, runs: wanted });
  });
});

/** Sequences that found a fault, by the provider and its fault. */
const found: Readonly<Record<string, readonly Command[]>> = {
  "memory buried a job twice after its last run was cut off and failed late": [
    { do: "start" },
    { do: "enqueue", maxAttempts: 1 },
    { do: "crash", instance: 0, late: "fail" },
  ],
  "graphile did not take back a key that a running job had ceded": [
    { do: "start" },
    { do: "enqueue", key: "a" },
    { do: "enqueue", key: "a" },
    { do: "fail", run: 0 },
    { do: "enqueue", key: "a" },
  ],
};

describe.concurrent.each(Object.entries(found))("%s", (_what, commands) => {
  // oxlint-disable-next-line vitest/expect-expect -- rejects where the contract is broken
  test.for(harnesses)("not on $provider.name", (harness) => replay(harness, commands));
});

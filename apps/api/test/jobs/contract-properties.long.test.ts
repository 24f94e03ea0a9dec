import { describe, test } from "vitest";
import { checkSequences } from "#src/jobs/testing/properties/sequence-property.ts";
import { graphileHarness } from "../support/graphile-harness.ts";
import { memoryHarness } from "../support/memory-harness.ts";
import { openQStashWorld, qstashHarness } from "../support/qstash-harness.ts";

// More and longer sequences than in contract-properties.test.ts, from a new seed each time.

const seed = Math.trunc(Math.random() * 2 ** 31);

describe.concurrent("many random sequences keep the contract", () => {
  // oxlint-disable-next-line vitest/expect-expect -- rejects where the contract is broken
  test.for([
    { harness: memoryHarness, runs: 6_000, steps: 40, lanes: 2 },
    { harness: graphileHarness, runs: 100, steps: 30, lanes: 4 },
    {
      harness: {
        ...qstashHarness,
        // More at a time than a sequence has jobs, so that every due job runs.
        open: (definitions: Parameters<typeof openQStashWorld>[0]) =>
          openQStashWorld(definitions, {}, undefined, 100),
      },
      runs: 100,
      steps: 30,
      lanes: 4,
    },
  ])("on $harness.provider.name", { timeout: 1_200_000 }, ({ harness, ...options }) =>
    checkSequences(harness, { ...options, seed }),
  );
});

import { describe, test } from "vitest";
import { contractCases } from "#/jobs/testing/cases/index.ts";
import type { ContractHarness } from "#/jobs/testing/contract-harness.ts";
import { graphileHarness } from "../support/graphile-harness.ts";

const harnesses: readonly ContractHarness[] = [graphileHarness];

describe.each(harnesses)("the contract on $provider", (harness) => {
  for (const [topic, cases] of Object.entries(contractCases)) {
    describe(topic, () => {
      test.for(cases)("$title", ({ run }) => run(harness));
    });
  }
});

import { describe, test } from "vitest";
import { contractCases } from "#/jobs/testing/cases/index.ts";
import type { ContractHarness } from "#/jobs/testing/contract-harness.ts";
import { graphileHarness } from "../support/graphile-harness.ts";
import { qstashHarness } from "../support/qstash-harness.ts";

const harnesses: readonly ContractHarness[] = [graphileHarness, qstashHarness];

describe.each(harnesses)("the contract on $provider", (harness) => {
  describe.each(Object.entries(contractCases))("%s", (_topic, cases) => {
    // oxlint-disable-next-line vitest/expect-expect -- a case rejects where the contract is broken
    test.for(cases)("$title", ({ run }) => run(harness));
  });
});

import { afterAll, describe, test } from "vitest";
import { contractCases } from "./cases/index.ts";
import type { ContractCase, ContractHarness } from "./contract-harness.ts";
import { skipReason } from "./run-contract.ts";

/** Runs the contract as vitest tests. Prints each skipped case with its reason. */
export function contractTests(
  label: string,
  harness: ContractHarness,
  topics: Readonly<Record<string, readonly ContractCase[]>> = {
    ...contractCases,
    ...harness.ownCases,
  },
): void {
  const skipped: string[] = [];
  // Cases are concurrent: each has its own world, and mostly waits.
  describe.concurrent(`the contract on ${label}`, () => {
    describe.each(Object.entries(topics))("%s", (_topic, cases) => {
      // oxlint-disable-next-line vitest/expect-expect -- a case rejects if the contract is broken
      test.for(cases)("$title", async (contractCase, { skip }) => {
        const reason = skipReason(harness, contractCase);
        if (reason !== undefined) {
          skipped.push(`skipped on ${label}: ${contractCase.title} (${reason})\n`);
          skip(reason);
        }
        await contractCase.run(harness);
      });
    });
    afterAll(() => void process.stdout.write(skipped.join("")));
  });
}

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { contractCases } from "#src/jobs/testing/cases/index.ts";
import type { ContractHarness } from "#src/jobs/testing/contract-harness.ts";
import { skipReason } from "#src/jobs/testing/run-contract.ts";
import type { FaultPlan, Tally } from "./fault-plan.ts";
import { seeded } from "./seeded.ts";

export interface FaultTests {
  readonly label: string;
  readonly seed: string;
  readonly harness: (plan: FaultPlan) => ContractHarness;
  /** Titles of cases that hold wherever a fault strikes, see {@link FaultPlan.anywhere}. */
  readonly anywhere: readonly string[];
  /** Cases that only hold without faults: their titles, each with the reason. */
  readonly leftOut: Readonly<Record<string, string>>;
  /** Faults that must have struck at least once. */
  readonly faults: readonly string[];
}

/** Runs the contract's cases under faults. Prints each skipped case with its reason. */
export function faultTests(options: FaultTests): void {
  const { label, seed, harness, anywhere, leftOut, faults } = options;
  const lines: string[] = [];
  const tally: Tally = new Map();
  const count = (fault: string) => tally.set(fault, (tally.get(fault) ?? 0) + 1);

  describe.concurrent(`the contract on ${label}`, () => {
    describe.each(Object.entries(contractCases))("%s", (_topic, cases) => {
      // oxlint-disable-next-line vitest/expect-expect -- a case rejects where the contract is broken
      test.for(cases)("$title", async (contractCase, { skip }) => {
        const { title } = contractCase;
        const faulty = harness({
          random: seeded(`${seed} ${title}`),
          anywhere: anywhere.includes(title),
          count,
        });
        const reason = skipReason(faulty, contractCase) ?? leftOut[title];
        if (reason !== undefined) {
          lines.push(`skipped on ${label}: ${title} (${reason})`);
          skip(reason);
        }
        await contractCase.run(faulty);
      });
    });
  });

  test(`on ${label} every fault struck, and every listed title exists`, () => {
    expect(faults.filter((fault) => !tally.has(fault))).toEqual([]);
    const titles = Object.values(contractCases).flatMap((cases) => cases.map(({ title }) => title));
    for (const title of [...anywhere, ...Object.keys(leftOut)]) expect(titles).toContain(title);
  });

  beforeAll(() => {
    // QStash's client logs a warning for each lost answer.
    const onWarning = () => count("a repeated request of QStash's client");
    vi.spyOn(console, "warn").mockImplementation(onWarning);
  });

  afterAll(() => {
    vi.restoreAllMocks();
    const struck = [...tally].map(([fault, times]) => `${times} × ${fault}`);
    lines.push(`${label}, FAULTS_SEED=${seed}: ${struck.join(", ")}`);
    process.stdout.write(`${lines.join("\n")}\n`);
  });
}

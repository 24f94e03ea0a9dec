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
  /** Titles of cases that hold whatever is hit; for the others see {@link FaultPlan}. */
  readonly anywhere: readonly string[];
  /** By title, why a case is about what only holds without faults. */
  readonly leftOut: Readonly<Record<string, string>>;
  /** What must have struck at least once. */
  readonly faults: readonly string[];
}

/** The contract's cases as vitest's tests, with things going wrong. What is skipped is printed. */
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

  test(`the faults on ${label} have struck, and every title is one`, () => {
    expect(faults.filter((fault) => !tally.has(fault))).toEqual([]);
    const titles = Object.values(contractCases).flatMap((cases) => cases.map(({ title }) => title));
    for (const title of [...anywhere, ...Object.keys(leftOut)]) expect(titles).toContain(title);
  });

  beforeAll(() => {
    // QStash's client warns of each answer that it did not get.
    const onWarning = () => count("a request that QStash's client made again");
    vi.spyOn(console, "warn").mockImplementation(onWarning);
  });

  afterAll(() => {
    vi.restoreAllMocks();
    const struck = [...tally].map(([fault, times]) => `${times} × ${fault}`);
    lines.push(`${label}, FAULTS_SEED=${seed}: ${struck.join(", ")}`);
    process.stdout.write(`${lines.join("\n")}\n`);
  });
}

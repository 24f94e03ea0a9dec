import { withTimeout } from "../infrastructure/common/with-timeout.ts";
import type { ContractCase, ContractHarness } from "./contract-harness.ts";
import { contractCases } from "./cases/index.ts";

export interface ContractResult {
  readonly topic: string;
  readonly title: string;
  readonly outcome:
    | { readonly status: "passed" }
    | { readonly status: "skipped"; readonly reason: string }
    | { readonly status: "failed"; readonly error: unknown };
}

export interface RunContractOptions {
  /** How many cases run at a time, each in its own world. Default: 4. */
  readonly concurrency?: number;
  readonly cases?: Readonly<Record<string, readonly ContractCase[]>>;
  /** How long one case may take, in milliseconds. Default: one minute. */
  readonly timeout?: number;
  /** Begin no further case after the first failure. Default: false. */
  readonly bail?: boolean;
  /** Called as each case ends. */
  readonly onResult?: (result: ContractResult) => void;
}

/** Runs the contract on a provider, without a test framework. A failed case does not reject. */
export async function runContract(
  harness: ContractHarness,
  options: RunContractOptions = {},
): Promise<readonly ContractResult[]> {
  const { concurrency = 4, timeout = 60_000, bail = false, onResult } = options;
  const { cases = { ...contractCases, ...harness.ownCases } } = options;
  const waiting = Object.entries(cases).flatMap(([topic, list]) =>
    list.map((contractCase) => ({ topic, contractCase })),
  );
  const queue = waiting.entries();
  const results: ContractResult[] = [];
  let failed = false;
  const lane = async () => {
    // The lanes share the iterator, so each case runs once.
    for (const [index, { topic, contractCase }] of queue) {
      if (failed && bail) return;
      const outcome = await outcomeOf(harness, contractCase, timeout);
      failed ||= outcome.status === "failed";
      results[index] = { topic, title: contractCase.title, outcome };
      onResult?.(results[index]);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  // After a failure with `bail`, some cases have no result.
  return results.filter((result) => result !== undefined);
}

/** Explains why the provider skips this case, or returns `undefined`. */
export function skipReason(
  { provider }: ContractHarness,
  { needs = [] }: ContractCase,
): string | undefined {
  return needs
    .map((feature) => provider.unsupported[feature])
    .find((reason) => reason !== undefined);
}

async function outcomeOf(
  harness: ContractHarness,
  contractCase: ContractCase,
  timeout: number,
): Promise<ContractResult["outcome"]> {
  const reason = skipReason(harness, contractCase);
  if (reason !== undefined) return { status: "skipped", reason };
  try {
    await withTimeout(timeout, contractCase.run(harness), () => {
      throw new Error(`The case did not end within ${timeout} ms.`);
    });
    return { status: "passed" };
  } catch (error) {
    return { status: "failed", error };
  }
}

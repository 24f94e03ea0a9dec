import { inspect } from "node:util";
import type { ContractResult } from "#src/jobs/testing/run-contract.ts";
import { printTable } from "../table.ts";

/**
 * Prints cases by topic and provider, every skip with its reason, and every failure. Returns the number of
 * failures.
 */
export function printContract(
  results: ReadonlyMap<string, readonly ContractResult[]>,
  ms: number,
): number {
  const providers = [...results.keys()];
  const all = [...results].flatMap(([provider, list]) =>
    list.map((result) => ({ provider, ...result })),
  );
  const topics = [...new Set(all.map(({ topic }) => topic))];
  const cell = (provider: string, topic?: string) =>
    countText(
      all.filter((result) => result.provider === provider && (!topic || result.topic === topic)),
    );
  const row = (label: string, topic?: string) =>
    [label].concat(providers.map((provider) => cell(provider, topic)));
  printTable([["topic", ...providers], ...topics.map((topic) => row(topic, topic)), row("all")]);
  for (const { provider, topic, title, outcome } of all) {
    if (outcome.status === "skipped") {
      console.log(`skipped on ${provider}: ${topic}: ${title} (${outcome.reason})`);
    }
  }
  const failures = all.flatMap(({ outcome, ...result }) =>
    outcome.status === "failed" ? [{ ...result, error: outcome.error }] : [],
  );
  for (const { provider, topic, title, error } of failures) {
    console.log(`\nfailed on ${provider}: ${topic}: ${title}\n${inspect(error)}`);
  }
  const passed = all.filter(({ outcome }) => outcome.status === "passed").length;
  const skipped = all.length - passed - failures.length;
  const seconds = (ms / 1_000).toFixed(0);
  console.log(`${passed} passed, ${skipped} skipped, ${failures.length} failed in ${seconds} s`);
  return failures.length;
}

function countText(results: readonly ContractResult[]): string {
  const count = (status: string) =>
    results.filter(({ outcome }) => outcome.status === status).length;
  if (results.length === 0) return "–";
  return ["passed", "skipped", "failed"]
    .filter((status) => count(status) > 0)
    .map((status) => `${count(status)} ${status}`)
    .join(", ");
}

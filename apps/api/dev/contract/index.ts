import { parseArgs } from "node:util";
import { contractCases } from "#src/jobs/testing/cases/index.ts";
import type { ContractHarness } from "#src/jobs/testing/contract-harness.ts";
import { type ContractResult, runContract } from "#src/jobs/testing/run-contract.ts";
import { graphileHarness } from "../../test/support/graphile-harness.ts";
import { memoryHarness } from "../../test/support/memory-harness.ts";
import { startTestPostgres } from "../../test/support/postgres-template.ts";
import { qstashHarness } from "../../test/support/qstash-harness.ts";
import { printContract } from "./report.ts";

// Runs the contract on every provider and prints a table: `npm run contract`.

const { values } = parseArgs({
  options: {
    provider: { type: "string", multiple: true },
    topic: { type: "string", multiple: true },
    concurrency: { type: "string", default: "4" },
  },
});

const harnesses = [graphileHarness, qstashHarness, memoryHarness].filter(
  ({ provider }) => values.provider?.includes(provider.name) ?? true,
);
const casesOf = ({ ownCases }: ContractHarness) =>
  Object.fromEntries(
    Object.entries({ ...contractCases, ...ownCases }).filter(
      ([topic]) => values.topic?.includes(topic) ?? true,
    ),
  );

const results = new Map<string, readonly ContractResult[]>();
const started = performance.now();
const stopPostgres = await startTestPostgres();
try {
  for (const harness of harnesses) {
    const concurrency = Number(values.concurrency);
    const own = await runContract(harness, { cases: casesOf(harness), concurrency });
    results.set(harness.provider.name, own);
  }
} finally {
  await stopPostgres();
}
const failed = printContract(results, performance.now() - started);
process.exit(failed > 0 ? 1 : 0);

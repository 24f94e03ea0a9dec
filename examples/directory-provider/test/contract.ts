import { contractCases } from "#src/jobs/testing/cases/index.ts";
import { type ContractResult, runContract } from "#src/jobs/testing/run-contract.ts";
import { directoryHarness } from "./directory-harness.ts";

// Runs the contract without a test framework, as a whole or some topics of it:
// `npm run contract:directory -- retries`.

const topics = process.argv.slice(2);
const cases = Object.fromEntries(
  Object.entries(contractCases).filter(([topic]) => topics.length === 0 || topics.includes(topic)),
);

function print({ topic, title, outcome }: ContractResult): void {
  const reason = outcome.status === "skipped" ? ` (${outcome.reason})` : "";
  console.log(`${outcome.status}: ${topic}: ${title}${reason}`);
  if (outcome.status === "failed") console.error(outcome.error);
}

const results = await runContract(directoryHarness, { cases, onResult: print });
process.exitCode = results.some(({ outcome }) => outcome.status === "failed") ? 1 : 0;

import { contractCases } from "#src/jobs/testing/cases/index.ts";
import { runContract } from "#src/jobs/testing/run-contract.ts";
import { graphileHarness } from "../../test/support/graphile-harness.ts";
import { memoryHarness } from "../../test/support/memory-harness.ts";
import {
  createTemplate,
  serverUrl,
  TEMPLATE_VARIABLE,
} from "../../test/support/postgres-template.ts";
import { qstashHarness } from "../../test/support/qstash-harness.ts";
import { MUTANT_VARIABLE } from "./mutant-variable.ts";
import { mutants } from "./mutants.ts";

// Runs the contract with one mutant. Prints the first case that catches it and exits at once.

const number = Number(process.env[MUTANT_VARIABLE]);
const mutant = mutants[number];
const harness = [graphileHarness, qstashHarness, memoryHarness].find(
  ({ provider }) => provider.name === mutant?.provider,
);
if (!mutant || !harness) throw new Error("there is no such mutant");

// The fault may be in a migration, so this mutant needs its own template.
const template = `template_${number}`;
await createTemplate(serverUrl(), template);
process.env[TEMPLATE_VARIABLE] = template;

// A fault that ends a worker's process is noticed by everybody.
process.on("uncaughtException", ({ message }) => {
  process.stdout.write(`the process ended: ${message}\n`, () => process.exit(0));
});

const all = Object.entries({ ...contractCases, ...harness.ownCases });
const byLikelihood = all.toSorted(
  ([one], [other]) => Number(other === mutant.topic) - Number(one === mutant.topic),
);
await runContract(harness, {
  cases: Object.fromEntries(byLikelihood),
  concurrency: 4,
  timeout: 30_000,
  onResult({ topic, title, outcome }) {
    if (outcome.status !== "failed") return;
    // The mutant is caught, so the remaining cases do not matter.
    process.stdout.write(`${topic}: ${title}\n`, () => process.exit(0));
  },
});
process.exit(0);

import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { contractCases } from "#src/jobs/testing/cases/index.ts";
import { mutants, mutate } from "../../dev/contract/mutants.ts";
import { qstashCases } from "../support/qstash-cases.ts";

test("there are at least 25 seeded faults, on every provider and without duplicates", () => {
  expect(mutants.length).toBeGreaterThanOrEqual(25);
  expect(new Set(mutants.map(({ provider }) => provider)).size).toBe(3);
  expect(new Set(mutants.map(({ provider, title }) => `${provider} ${title}`)).size).toBe(
    mutants.length,
  );
});

test.each(mutants)("the fault still fits the code: $provider, $title", async (mutant) => {
  const source = await readFile(new URL(`../../src/jobs/${mutant.file}`, import.meta.url), "utf8");
  expect(mutate(mutant, source)).not.toBe(source);
  expect(Object.keys({ ...contractCases, ...qstashCases })).toContain(mutant.topic);
});

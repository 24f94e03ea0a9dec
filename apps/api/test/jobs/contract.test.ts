import { vi } from "vitest";
import { contractTests } from "#src/jobs/testing/contract-tests.ts";
import { graphileHarness } from "../support/graphile-harness.ts";
import { inMemoryJobsHarness, memoryHarness } from "../support/memory-harness.ts";
import { qstashHarness } from "../support/qstash-harness.ts";

// The cases mostly wait. Vitest's default of five at a time would take half as long again.
vi.setConfig({ maxConcurrency: 8 });

for (const harness of [graphileHarness, qstashHarness, memoryHarness]) {
  contractTests(harness.provider.name, harness);
}

contractTests("inMemoryJobs", inMemoryJobsHarness);

import { vi } from "vitest";
import { contractTests } from "#src/jobs/testing/contract-tests.ts";
import { useEncoding } from "../support/encoded-databases.ts";
import { graphileHarness } from "../support/graphile-harness.ts";
import { qstashHarness } from "../support/qstash-harness.ts";

/** It has most characters, and no €. */
const ENCODING = "EUC_JP";

vi.setConfig({ maxConcurrency: 8 });
await useEncoding(ENCODING);

for (const harness of [graphileHarness, qstashHarness]) {
  contractTests(`${harness.provider.name} on ${ENCODING}`, harness);
}

import { vi } from "vitest";
import { contractTests } from "#src/jobs/testing/contract-tests.ts";
import { createRole, ROLE_VARIABLE } from "../support/database.ts";
import { graphileHarness } from "../support/graphile-harness.ts";
import { qstashHarness } from "../support/qstash-harness.ts";

const ROLE = `app_${process.pid}`;

vi.setConfig({ maxConcurrency: 8 });
await createRole(ROLE);
vi.stubEnv(ROLE_VARIABLE, ROLE);

for (const harness of [graphileHarness, qstashHarness]) {
  contractTests(`${harness.provider.name} with a role that owns nothing`, harness);
}

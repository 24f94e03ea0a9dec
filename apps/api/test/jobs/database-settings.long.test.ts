import { afterAll, vi } from "vitest";
import { contractTests } from "#src/jobs/testing/contract-tests.ts";
import { SETTINGS_VARIABLE } from "../support/database.ts";
import { graphileHarness } from "../support/graphile-harness.ts";
import { qstashHarness } from "../support/qstash-harness.ts";

/** The zone has an offset of half an hour, and the style no offset at all. */
const SETTINGS = {
  datestyle: "German",
  timezone: "America/St_Johns",
  intervalstyle: "iso_8601",
  extra_float_digits: "-15",
  standard_conforming_strings: "off",
  array_nulls: "off",
};

vi.stubEnv(SETTINGS_VARIABLE, JSON.stringify(SETTINGS));
vi.setConfig({ maxConcurrency: 8 });
afterAll(() => void vi.unstubAllEnvs());

for (const harness of [graphileHarness, qstashHarness]) {
  contractTests(`${harness.provider.name}, with settings that change values as text`, harness);
}

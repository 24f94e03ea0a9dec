import { contractTests } from "#src/jobs/testing/contract-tests.ts";
import { directoryHarness } from "./directory-harness.ts";

contractTests("directory", directoryHarness);

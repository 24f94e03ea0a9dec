import type { ContractCase } from "../contract-harness.ts";
import { crashCases } from "./crash.ts";
import { deliveryCases } from "./delivery.ts";
import { failureCases } from "./failures.ts";
import { jobKeyCases } from "./job-key.ts";
import { lifecycleCases } from "./lifecycle.ts";
import { priorityCases } from "./priority.ts";
import { refusalCases } from "./refusals.ts";
import { retryCases } from "./retries.ts";
import { runAtCases } from "./run-at.ts";
import { scheduleCases } from "./schedules.ts";
import { versionCases } from "./versions.ts";

/** The contract, topic by topic. */
export const contractCases: Readonly<Record<string, readonly ContractCase[]>> = {
  delivery: deliveryCases,
  refusals: refusalCases,
  retries: retryCases,
  failures: failureCases,
  runAt: runAtCases,
  jobKey: jobKeyCases,
  schedules: scheduleCases,
  lifecycle: lifecycleCases,
  crash: crashCases,
  versions: versionCases,
  priority: priorityCases,
};

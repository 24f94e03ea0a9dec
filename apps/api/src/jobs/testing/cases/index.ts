import type { ContractCase } from "../contract-harness.ts";
import { absorbedJobCases, addedJobCases } from "./added-jobs.ts";
import { crashCases } from "./crash.ts";
import { deadJobCases } from "./dead-jobs.ts";
import { deliveryCases, priorityCases } from "./delivery.ts";
import { failureCases } from "./failures.ts";
import { jobKeyReuseCases } from "./job-key-reuse.ts";
import { jobKeyCases } from "./job-key.ts";
import { lifecycleEdgeCases } from "./lifecycle-edges.ts";
import { lifecycleCases } from "./lifecycle.ts";
import { payloadCases } from "./payloads.ts";
import { refusalCases } from "./refusals.ts";
import { retryCases } from "./retries.ts";
import { runAtCases } from "./run-at.ts";
import { scheduleTimeCases } from "./schedule-times.ts";
import { scheduleCases } from "./schedules.ts";
import { thrownValueCases } from "./thrown-values.ts";
import { strayErrorCases } from "./stray-errors.ts";
import { transactionCases } from "./transactions.ts";
import { versionCases } from "./versions.ts";

/** The contract, topic by topic. */
export const contractCases: Readonly<Record<string, readonly ContractCase[]>> = {
  delivery: [...deliveryCases, ...addedJobCases, ...payloadCases],
  refusals: refusalCases,
  retries: retryCases,
  failures: [...failureCases, ...thrownValueCases, ...strayErrorCases],
  runAt: runAtCases,
  jobKey: [...jobKeyCases, ...jobKeyReuseCases, ...absorbedJobCases],
  schedules: [...scheduleCases, ...scheduleTimeCases],
  lifecycle: [...lifecycleCases, ...lifecycleEdgeCases],
  crash: crashCases,
  versions: versionCases,
  dead: deadJobCases,
  transactions: transactionCases,
  priority: priorityCases,
};

import type { ContractCase } from "../contract-harness.ts";
import { crashCases } from "./crash.ts";
import { deadJobLimitCases } from "./dead-job-limits.ts";
import { deadJobCases } from "./dead-jobs.ts";
import { deliveryCases } from "./delivery.ts";
import { durabilityCases } from "./durability.ts";
import { failureKindCases } from "./failure-kinds.ts";
import { failureCases } from "./failures.ts";
import { jobKeyReuseCases } from "./job-key-reuse.ts";
import { jobKeyCases } from "./job-key.ts";
import { lifecycleEdgeCases } from "./lifecycle-edges.ts";
import { lifecycleCases } from "./lifecycle.ts";
import { payloadCases } from "./payloads.ts";
import { priorityCases } from "./priority.ts";
import { refusalCases } from "./refusals.ts";
import { retryCases } from "./retries.ts";
import { retryLimitCases } from "./retry-limits.ts";
import { rollingDeployCases } from "./rolling-deploy.ts";
import { runAtLimitCases } from "./run-at-limits.ts";
import { runAtCases } from "./run-at.ts";
import { scheduleChangeCases } from "./schedule-changes.ts";
import { scheduleTimeCases } from "./schedule-times.ts";
import { scheduleCases } from "./schedules.ts";
import { transactionCases } from "./transactions.ts";
import { versionCases } from "./versions.ts";

/** The contract, topic by topic. */
export const contractCases: Readonly<Record<string, readonly ContractCase[]>> = {
  delivery: [...deliveryCases, ...rollingDeployCases, ...payloadCases],
  refusals: refusalCases,
  retries: [...retryCases, ...retryLimitCases],
  failures: [...failureCases, ...failureKindCases],
  runAt: [...runAtCases, ...runAtLimitCases],
  jobKey: [...jobKeyCases, ...jobKeyReuseCases],
  schedules: [...scheduleCases, ...scheduleTimeCases, ...scheduleChangeCases],
  lifecycle: [...lifecycleCases, ...lifecycleEdgeCases],
  crash: [...crashCases, ...durabilityCases],
  versions: versionCases,
  dead: [...deadJobCases, ...deadJobLimitCases],
  transactions: transactionCases,
  priority: priorityCases,
};

import type { JobDefinition } from "../application/job-definition.ts";
import { InvalidPayloadError } from "../application/job-errors.ts";
import type { JobName, JobPayload } from "../application/job-types.ts";
import type { JsonValue } from "../application/job-types.ts";
import { type JobDelivery, runJob } from "../application/run-job.ts";
import { jsonLosses } from "./json-losses.ts";
import { silentLog } from "./silent-log.ts";

/** What a test may tell the handler of its run. */
export type RunOnceFacts = Partial<Omit<JobDelivery, "payload">>;

/** The job's payload, or, where the facts say which version it has, that version's. */
type PayloadFor<N extends JobName, Facts> = Facts extends { readonly version: number }
  ? JsonValue
  : JobPayload<N>;

/**
 * Runs a job's handler once, as a worker would: the payload goes through JSON and the schema, the
 * timeout counts. Unless `facts` say otherwise it is attempt 1, with the definition's `maxAttempts`,
 * a log that is silent, and a signal that only the timeout aborts. With a `version` in `facts`, the
 * payload is one of that version and goes through `upgrade`.
 *
 * @throws InvalidPayloadError when JSON would change the payload (`issues` names each path), or the
 * schema refuses it
 * @throws unknown what the handler throws, as it is
 */
export async function runJobOnce<N extends JobName, Facts extends RunOnceFacts = RunOnceFacts>(
  definition: JobDefinition<N>,
  payload: NoInfer<PayloadFor<N, Facts>>,
  facts?: Facts,
): Promise<void> {
  const issues = jsonLosses(payload);
  if (issues.length > 0) throw new InvalidPayloadError(definition.name, issues);
  const outcome = await runJob(definition, {
    jobId: crypto.randomUUID(),
    attempt: 1,
    maxAttempts: definition.maxAttempts,
    version: definition.version,
    signal: new AbortController().signal,
    log: silentLog,
    ...facts,
    payload: JSON.parse(JSON.stringify(payload)),
  });
  if (outcome.status !== "succeeded") throw outcome.error;
}

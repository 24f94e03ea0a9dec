import type { PreparedJob } from "../../application/prepare-enqueue.ts";
import { digest } from "./digest.ts";
import type { OutgoingJob } from "./publish-jobs.ts";

/** A checked enqueue as a job with an id of its own. */
export async function outgoingJob(job: PreparedJob): Promise<OutgoingJob> {
  const { definition, json, maxAttempts, runAt, jobKey } = job;
  const { name, version } = definition;
  const key = jobKey === undefined ? undefined : await digest(jobKey);
  return { id: crypto.randomUUID(), name, version, json, maxAttempts, runAt, key };
}

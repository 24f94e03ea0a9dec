import { runJob } from "#src/jobs/application/run-job.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { silentLog } from "#src/jobs/testing/helper-defaults.ts";

/** A Worker that runs a job per request, and answers with its outcome. */
const job = contractJob("contract.work", async (payload) => {
  const reject = async () => {
    throw new Error(`floating ${JSON.stringify(payload)}`);
  };
  if (payload === "at once") void reject();
  if (payload === "in a timer") setTimeout(() => void reject(), 5);
  if (payload === "in a timer") await new Promise((resolve) => setTimeout(resolve, 100));
});

// oxlint-disable-next-line import/no-default-export -- Workers expect the entry here
export default {
  async fetch(request: Request): Promise<Response> {
    const outcome = await runJob(job, {
      jobId: "1",
      attempt: 1,
      maxAttempts: 2,
      payload: await request.text(),
      version: 1,
      signal: request.signal,
      log: silentLog,
    });
    const message = outcome.status === "succeeded" ? undefined : outcome.error.message;
    return Response.json({ status: outcome.status, message });
  },
};

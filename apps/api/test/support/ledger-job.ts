import type { Pool } from "pg";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { JobsNotConfiguredError } from "#src/jobs/application/job-errors.ts";
import type { TransactionJobs } from "#src/jobs/application/job-provider.ts";
import { processOnce } from "#src/jobs/application/ledger.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { contractTransactions } from "./contract-transactions.ts";

const withoutJobs = (): TransactionJobs => ({
  enqueue: (name) => Promise.reject(new JobsNotConfiguredError(name)),
  add: (name) => Promise.reject(new JobsNotConfiguredError(name)),
  enqueueMany: () => Promise.reject(new JobsNotConfiguredError("many")),
  ended: () => undefined,
  committed: async () => undefined,
});

/** A job that adds its payload as an effect. Its effect must be there once, whatever happens to its runs. */
export function ledgerJob(pool: Pool): JobDefinition {
  const run = contractTransactions(pool, withoutJobs);
  return contractJob("contract.work", async (payload, { jobId }) => {
    await processOnce({ run }, "kill-points", jobId, (tx) => tx.addEffect(JSON.stringify(payload)));
  });
}

/** Returns all effects, sorted. Creates their table before several processes try to. */
export async function readEffects(pool: Pool): Promise<readonly string[]> {
  const effects = await contractTransactions(pool, withoutJobs)((tx) => tx.effects());
  return effects.toSorted();
}

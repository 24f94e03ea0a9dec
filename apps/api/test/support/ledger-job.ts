import type { Pool } from "pg";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { processOnce } from "#src/jobs/application/ledger.ts";
import type { BindTransactionJobs } from "#src/jobs/application/transactional-jobs.ts";
import { NoopJobQueue } from "#src/jobs/infrastructure/noop/noop-job-queue.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { contractTransactions } from "./contract-transactions.ts";

const withoutJobs: BindTransactionJobs = () => ({
  queue: new NoopJobQueue(),
  committed: async () => undefined,
});

/** A job whose effect, its payload as JSON, must be there once whatever becomes of its runs. */
export function ledgerJob(pool: Pool): JobDefinition {
  const run = contractTransactions(pool, withoutJobs);
  return contractJob("contract.work", async (payload, { jobId }) => {
    await processOnce({ run }, "kill-points", jobId, (tx) => tx.addEffect(JSON.stringify(payload)));
  });
}

/** The effects of now, in order. Makes their table, before several processes want to. */
export async function readEffects(pool: Pool): Promise<readonly string[]> {
  const effects = await contractTransactions(pool, withoutJobs)((tx) => tx.effects());
  return effects.toSorted();
}

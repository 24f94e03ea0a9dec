import { ProviderRejectedError } from "../../application/job-errors.ts";
import type { JobLogger } from "../../application/ports.ts";
import { keepDeadJob } from "../sql-dead-jobs.ts";
import { claimFromOutbox, type OutboxJob, postponeInOutbox, removeFromOutbox } from "./outbox.ts";
import { inBatches } from "./batches.ts";
import { type PublishPorts, publishJobs } from "./publish-jobs.ts";

/** Publishes what transactions have put into the outbox. */
export interface OutboxRelay {
  /** Those jobs, unless somebody else does it. Rejects when QStash or the database cannot. */
  publish(ids: readonly string[]): Promise<void>;
  /** Whatever waits, as after a crash between commit and publication; returns how many there were. */
  sweep(): Promise<number>;
}

export interface OutboxRelayOptions extends PublishPorts {
  readonly log: JobLogger;
}

const BATCH = 100;

/** Of a sweep; what is left is for the next. */
const BATCHES = 100;

/** A job that QStash refuses again and again will not be taken the next time. */
const REFUSALS_BEFORE_DEATH = 10;

export function createOutboxRelay(options: OutboxRelayOptions): OutboxRelay {
  const { sql, log } = options;

  async function publishOne(job: OutboxJob): Promise<void> {
    const fields = { job: job.name, jobId: job.id };
    try {
      await publishJobs([job], options);
      await removeFromOutbox(sql, [job]);
    } catch (err) {
      const { id, name, version, json: payload, maxAttempts, failures } = job;
      if (err instanceof ProviderRejectedError && failures + 1 >= REFUSALS_BEFORE_DEATH) {
        await keepDeadJob(sql, { id, name, version, payload, attempts: 0, maxAttempts }, err);
        await removeFromOutbox(sql, [job]);
        log.error({ ...fields, err }, "job is dead: QStash does not take it");
        return;
      }
      log.warn({ ...fields, err }, "a job of the outbox could not be published yet");
      await postponeInOutbox(sql, job);
    }
  }

  async function publishClaimed(claimed: readonly OutboxJob[]): Promise<void> {
    for (const batch of inBatches(claimed)) await publishBatch(batch);
  }

  async function publishBatch(jobs: readonly OutboxJob[]): Promise<void> {
    if (jobs.length > 1) {
      try {
        await publishJobs(jobs, options);
        await removeFromOutbox(sql, jobs);
        return;
      } catch {
        // One of them may be what QStash refuses: each has to answer for itself.
      }
    }
    for (const job of jobs) await publishOne(job);
  }

  return {
    async publish(ids) {
      for (let from = 0; from < ids.length; from += BATCH) {
        await publishClaimed(await claimFromOutbox(sql, BATCH, ids.slice(from, from + BATCH)));
      }
    },
    async sweep() {
      let count = 0;
      for (let batch = 0; batch < BATCHES; batch++) {
        const jobs = await claimFromOutbox(sql, BATCH);
        await publishClaimed(jobs);
        count += jobs.length;
        if (jobs.length < BATCH) break;
      }
      return count;
    },
  };
}

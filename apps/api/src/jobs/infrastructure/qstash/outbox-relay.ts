import { ProviderRejectedError } from "../../application/job-errors.ts";
import type { JobLogger } from "../../application/ports.ts";
import { keepDeadJob } from "../sql-dead-jobs.ts";
import { inBatches } from "./batches.ts";
import { markPublished } from "./job-keys.ts";
import { keyExpiry } from "./message-facts.ts";
import {
  CLAIM_SECONDS,
  claimFromOutbox,
  type OutboxJob,
  postponeInOutbox,
  removeFromOutbox,
} from "./outbox.ts";
import { freeOutboxKey, settleOutboxKeys } from "./outbox-keys.ts";
import { messageOf, type PublishPorts } from "./publish-jobs.ts";

/** Publishes what transactions have put into the outbox. */
export interface OutboxRelay {
  /** Those jobs, unless somebody else does it. Rejects when the database cannot be asked. */
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

/** A job that QStash refuses again and again for what it is will not be taken the next time. */
const REFUSALS_BEFORE_DEATH = 10;

export function createOutboxRelay({ sql, log, publisher, clock }: OutboxRelayOptions): OutboxRelay {
  /** Rejects with nothing lost: what is not published stays in the outbox. */
  async function publishAll(claim: string, jobs: readonly OutboxJob[]): Promise<void> {
    const now = clock.now();
    const ids = jobs.map(({ id }) => id);
    const settled = await settleOutboxKeys(sql, claim, ids, { claimSeconds: CLAIM_SECONDS, now });
    const outgoing = jobs.flatMap((job) => {
      const row = settled.find(({ id }) => id === job.id);
      return row && !row.absorbed ? [{ ...job, id: row.holder }] : [];
    });
    await publisher.publish(
      outgoing.map((job) => {
        const message = messageOf(job, now);
        const { facts } = message;
        return job.key === undefined ? message : { ...message, facts: { ...facts, key: job.key } };
      }),
    );
    const holders = outgoing.flatMap(({ id: holder, name, key, runAt }) =>
      key === undefined ? [] : [{ name, key, holder, expiresAt: keyExpiry(runAt, now) }],
    );
    if (holders.length > 0) await markPublished(sql, holders).catch(() => undefined);
    await removeFromOutbox(
      sql,
      settled.map(({ id }) => id),
    );
  }

  async function publishOne(claim: string, job: OutboxJob): Promise<void> {
    const fields = { job: job.name, jobId: job.id };
    try {
      await publishAll(claim, [job]);
    } catch (err) {
      const wasRefused = isRefusalOfJob(err);
      if (wasRefused && job.refusals + 1 >= REFUSALS_BEFORE_DEATH) {
        const { id, name, version, json: payload, maxAttempts } = job;
        await freeOutboxKey(sql, name, id);
        await keepDeadJob(sql, { id, name, version, payload, attempts: 0, maxAttempts }, err);
        await removeFromOutbox(sql, [id]);
        log.error({ ...fields, err }, "job is dead: QStash does not take it");
        return;
      }
      log.warn({ ...fields, err }, "a job of the outbox could not be published yet");
      await postponeInOutbox(sql, job.id, wasRefused);
    }
  }

  async function publishBatch(claim: string, jobs: readonly OutboxJob[]): Promise<void> {
    if (jobs.length > 1) {
      try {
        await publishAll(claim, jobs);
        return;
      } catch {
        // One of them may be what QStash refuses: each has to answer for itself.
      }
    }
    for (const job of jobs) await publishOne(claim, job);
  }

  async function claimAndPublish(ids?: readonly string[]): Promise<number> {
    const claim = crypto.randomUUID();
    const jobs = await claimFromOutbox(sql, claim, BATCH, ids);
    for (const batch of inBatches(jobs)) await publishBatch(claim, batch);
    return jobs.length;
  }

  return {
    async publish(ids) {
      for (let from = 0; from < ids.length; from += BATCH) {
        await claimAndPublish(ids.slice(from, from + BATCH));
      }
    },
    async sweep() {
      let count = 0;
      for (let batch = 0; batch < BATCHES; batch++) {
        const published = await claimAndPublish();
        count += published;
        if (published < BATCH) break;
      }
      return count;
    },
  };
}

/** A wrong token or a used-up quota is mended by somebody: the job waits for that. */
function isRefusalOfJob(error: unknown): boolean {
  if (!(error instanceof ProviderRejectedError)) return false;
  const { refused, quota } = error.details;
  return refused === "request" || quota === "maxMessageSize";
}

import { ProviderRejectedError } from "../../application/job-errors.ts";
import { runLogFields } from "../../application/run-job.ts";
import type { JobClock, JobLogger, SqlExecutor } from "../../application/ports.ts";
import { createInterval, type Interval } from "../common/interval.ts";
import { keepDeadJob } from "../sql/dead-jobs.ts";
import { freeKeyOf, keyExpiry, markPublished } from "../sql/job-keys.ts";
import {
  claimFromOutbox,
  type OutboxJob,
  postponeInOutbox,
  removeFromOutbox,
  renewClaim,
  settleKeys,
} from "../sql/outbox.ts";
import { firstMessage } from "./enqueue-jobs.ts";
import { inBatches, type Publisher } from "./publisher.ts";

/** Publishes the jobs of committed transactions from the outbox. */
export interface OutboxRelay {
  /** Publishes these jobs, unless another process does. Rejects if the database does not answer. */
  publish(ids: readonly string[]): Promise<void>;
  /** Publishes every waiting job, for example after a crash. Returns how many it took up. */
  sweep(): Promise<number>;
}

interface RelayPorts {
  readonly publisher: Publisher;
  readonly sql: SqlExecutor;
  readonly clock: JobClock;
  readonly log: JobLogger;
}

/** Jobs that are claimed at a time. */
const BATCH = 100;

/** A third of the time for which a claim lasts. */
const RENEWAL_INTERVAL_MS = 1_000;

/** Batches of one sweep. The next sweep publishes the rest. */
const BATCHES = 100;

/** A job is dead after QStash has refused the job itself this often. */
const REFUSALS_BEFORE_DEATH = 10;

/**
 * Creates a relay. It keeps no state: every job stays in the outbox until QStash has it, and processes
 * claim jobs before they publish them.
 */
export function createOutboxRelay({ publisher, sql, clock, log }: RelayPorts): OutboxRelay {
  async function publishTogether(claim: string, jobs: readonly OutboxJob[]): Promise<void> {
    const now = clock.now();
    const ids = jobs.map(({ id }) => id);
    const settled = await settleKeys(sql, claim, ids, now);
    const messages = jobs.flatMap((job) => {
      const row = settled.find(({ id }) => id === job.id);
      return row && !row.absorbed ? [firstMessage({ ...job, id: row.holder })] : [];
    });
    await publisher.publish(messages, clock.now());
    const claims = messages.flatMap(({ id, name, jobKey: key, runAt }) =>
      key === undefined ? [] : [{ name, key, holder: id, expiresAt: keyExpiry(runAt, now) }],
    );
    if (claims.length > 0) await markPublished(sql, claims).catch(() => undefined);
    await removeFromOutbox(
      sql,
      settled.map(({ id }) => id),
    );
  }

  async function publishAlone(claim: string, job: OutboxJob): Promise<void> {
    const fields = runLogFields(job.name, job.id);
    try {
      await publishTogether(claim, [job]);
    } catch (err) {
      const wasRefused = isRefusalOfJob(err);
      if (wasRefused && job.refusals + 1 >= REFUSALS_BEFORE_DEATH) {
        await giveUp(job, err);
        log.error({ ...fields, reason: "refused by QStash", err }, "job is dead");
        return;
      }
      log.warn({ ...fields, err }, "outbox job not published yet");
      await postponeInOutbox(sql, job.id, wasRefused);
    }
  }

  async function giveUp(job: OutboxJob, error: unknown): Promise<void> {
    const { id, name, version, json: payload, maxAttempts } = job;
    await freeKeyOf(sql, name, id);
    await keepDeadJob(sql, { id, name, version, payload, attempts: 0, maxAttempts }, error);
    await removeFromOutbox(sql, [id]);
  }

  async function publishBatch(claim: string, jobs: readonly OutboxJob[]): Promise<void> {
    if (jobs.length > 1) {
      try {
        await publishTogether(claim, jobs);
        return;
      } catch {
        // QStash may refuse one of them: publish each alone.
      }
    }
    for (const job of jobs) await publishAlone(claim, job);
  }

  async function claimAndPublish(ids?: readonly string[]): Promise<number> {
    const claim = crypto.randomUUID();
    const jobs = await claimFromOutbox(sql, claim, BATCH, ids);
    if (jobs.length === 0) return 0;
    const claimed = jobs.map(({ id }) => id);
    const renewal = createInterval(RENEWAL_INTERVAL_MS, () =>
      // A claim that runs out costs a second request at most, and QStash makes one message of both.
      renewClaim(sql, claim, claimed).catch(() => undefined),
    );
    renewal.start();
    try {
      for (const batch of inBatches(jobs)) await publishBatch(claim, batch);
    } finally {
      await renewal.stop();
    }
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

/** A wrong token or an exhausted quota can be fixed, so jobs wait. A bad request stays bad. */
function isRefusalOfJob(error: unknown): boolean {
  if (!(error instanceof ProviderRejectedError)) return false;
  const { refused, quota } = error.details;
  return refused === "request" || quota === "maxMessageSize";
}

const SWEEP_INTERVAL_MS = 2_000;

/** Sweeps the outbox every two seconds while it is started. */
export function createOutboxSweeper(relay: OutboxRelay, log: JobLogger): Interval {
  return createInterval(SWEEP_INTERVAL_MS, () =>
    relay.sweep().catch((err: unknown) => log.warn({ err }, "outbox sweep failed")),
  );
}

import { JobsError } from "../../application/job-errors.ts";
import type { AddedJob, BulkJobQueue } from "../../application/job-queue.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobClock, SqlExecutor } from "../../application/ports.ts";
import { checkedQueue, type PreparedJob } from "../../application/prepare-enqueue.ts";
import { type KeyClaim, keyExpiry, markPublished, takeKeys } from "../sql/job-keys.ts";
import { providerError } from "../sql/postgres-errors.ts";
import type { QStashMessage } from "./job-metadata.ts";
import { inBatches, type Publisher } from "./publisher.ts";

interface EnqueuePorts {
  readonly publisher: Publisher;
  /** Stores the keys. Jobs without a key need no database. */
  readonly sql: SqlExecutor;
  readonly clock: JobClock;
}

/**
 * Publishes jobs to QStash, which delivers them to this app's webhook. `enqueueMany` stores each batch
 * of up to a hundred jobs or none of it. If a later batch fails, the error's `details.enqueued` counts
 * the jobs of the earlier ones.
 */
export function createQStashQueue(
  registry: JobRegistry,
  maxPayloadBytes: number,
  ports: EnqueuePorts,
): BulkJobQueue {
  return checkedQueue(registry, maxPayloadBytes, async (jobs) => {
    const added: AddedJob[] = [];
    for (const batch of inBatches(jobs)) {
      try {
        added.push(...(await enqueueBatch(await Promise.all(batch.map(withKeyDigest)), ports)));
      } catch (error) {
        const enqueued = added.length;
        throw enqueued > 0 && error instanceof JobsError ? error.with({ enqueued }) : error;
      }
    }
    return added;
  });
}

/** Replaces the job's key by its digest, the form in which this adapter stores and sends keys. */
export async function withKeyDigest(job: PreparedJob): Promise<PreparedJob> {
  return job.jobKey === undefined ? job : { ...job, jobKey: await digest(job.jobKey) };
}

/** The first message of a job. */
export function firstMessage(job: Omit<PreparedJob, "priority">): QStashMessage {
  return { ...job, previousAttempts: 0, messageIndex: 0 };
}

/** Publishes the jobs whose key is free, and those without a key. */
async function enqueueBatch(
  jobs: readonly PreparedJob[],
  { publisher, sql, clock }: EnqueuePorts,
): Promise<readonly AddedJob[]> {
  const claims = claimKeys(jobs, clock.now());
  if (claims.size === 0) {
    await publisher.publish(jobs.map(firstMessage), clock.now());
    return jobs.map(({ id }) => ({ id, absorbed: false }));
  }
  const held = await takeKeys(sql, [...claims.values()]).catch((cause: unknown) => {
    throw providerError("qstash", cause);
  });
  const published: KeyClaim[] = [];
  const messages = jobs.flatMap((job) => {
    if (job.jobKey === undefined) return [firstMessage(job)];
    const claim = claims.get(job);
    const row = held.find(({ name, key }) => name === claim?.name && key === claim.key);
    if (!claim || !row || row.published) return [];
    published.push({ ...claim, holder: row.holder });
    return [firstMessage({ ...job, id: row.holder })];
  });
  await publisher.publish(messages, clock.now());
  // If this fails, the next enqueue with the key publishes the same message again.
  if (published.length > 0) await markPublished(sql, published).catch(() => undefined);
  return jobs.map(({ id, name, jobKey: key }) => {
    const holder = held.find((row) => row.name === name && row.key === key)?.holder ?? id;
    return { id: holder, absorbed: holder !== id };
  });
}

/** One claim per key: the first of several jobs with the same key gets it. */
function claimKeys(jobs: readonly PreparedJob[], now: Date): Map<PreparedJob, KeyClaim> {
  const claims = new Map<PreparedJob, KeyClaim>();
  const seen = new Set<string>();
  for (const job of jobs) {
    const { id, name, jobKey: key, runAt } = job;
    if (key === undefined || seen.has(`${name} ${key}`)) continue;
    seen.add(`${name} ${key}`);
    claims.set(job, { name, key, holder: id, expiresAt: keyExpiry(runAt, now) });
  }
  return claims;
}

/** Hashes the JSON form, which has room for any string, also one with lone surrogates. */
async function digest(value: string): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

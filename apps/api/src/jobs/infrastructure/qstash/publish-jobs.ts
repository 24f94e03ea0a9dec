import type { JobClock, SqlExecutor } from "../../application/ports.ts";
import { type KeyClaim, markPublished, takeKeys } from "./job-keys.ts";
import type { OutgoingMessage } from "./message.ts";
import { keyExpiry, versionFact } from "./message-facts.ts";
import type { Publisher } from "./publisher.ts";
import { asUnavailable } from "./sql-errors.ts";

/** A checked job on its way to QStash. */
export interface OutgoingJob {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly json: string;
  readonly maxAttempts: number;
  readonly runAt: Date | undefined;
  /** The digest of its key. */
  readonly key: string | undefined;
}

export interface PublishPorts {
  readonly publisher: Publisher;
  /** Where the keys are kept; jobs without a key never ask it. */
  readonly sql: SqlExecutor;
  readonly clock: JobClock;
}

/**
 * Has QStash take jobs, at most a batch at a time, but for those whose key is taken. The same job
 * again is the same message.
 *
 * @throws JobsError `jobs.provider_unavailable`, `jobs.provider_rejected`
 */
export async function publishJobs(
  jobs: readonly OutgoingJob[],
  { publisher, sql, clock }: PublishPorts,
): Promise<void> {
  const claims = claimsOf(jobs, clock.now());
  if (claims.size === 0) {
    await publisher.publish(jobs.map((job) => messageOf(job, clock.now())));
    return;
  }
  const held = await takeKeys(sql, [...claims.values()]).catch(asUnavailable);
  const pending: KeyClaim[] = [];
  const outgoing = jobs.flatMap((job) => {
    const message = messageOf(job, clock.now());
    if (job.key === undefined) return [message];
    const claim = claims.get(job);
    const holder = held.find(({ name, key }) => name === claim?.name && key === claim.key);
    if (!claim || !holder || holder.published) return [];
    pending.push({ ...claim, holder: holder.holder });
    return [{ ...message, facts: { ...message.facts, id: holder.holder, key: claim.key } }];
  });
  await publisher.publish(outgoing);
  // QStash has them. Without this note the next enqueue publishes the same message once more.
  if (pending.length > 0) await markPublished(sql, pending).catch(() => undefined);
}

/** The first message of a job, but for its key. */
export function messageOf(job: OutgoingJob, now: Date): OutgoingMessage {
  const { id, name, version, json, maxAttempts, runAt } = job;
  const isLater = runAt !== undefined && runAt > now;
  return {
    name,
    json,
    facts: { id, maxAttempts, tried: 0, hop: 0, ...versionFact(version) },
    notBefore: isLater ? Math.ceil(runAt.getTime() / 1_000) : undefined,
  };
}

/** One for each key; of two jobs with the same key the first is the one. */
function claimsOf(jobs: readonly OutgoingJob[], now: Date): Map<OutgoingJob, KeyClaim> {
  const claims = new Map<OutgoingJob, KeyClaim>();
  const seen = new Set<string>();
  for (const job of jobs) {
    const { id, name, key, runAt } = job;
    if (key === undefined || seen.has(`${name} ${key}`)) continue;
    seen.add(`${name} ${key}`);
    claims.set(job, { name, key, holder: id, expiresAt: keyExpiry(runAt, now) });
  }
  return claims;
}

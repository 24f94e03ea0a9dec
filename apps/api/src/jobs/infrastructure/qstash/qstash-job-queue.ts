import { JobsError } from "../../application/job-errors.ts";
import type { EnqueueOptions, EnqueueRequest, JobQueue } from "../../application/job-queue.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobName, JobPayload } from "../../application/job-types.ts";
import type { JobClock, SqlExecutor } from "../../application/ports.ts";
import { type PreparedJob, prepareEnqueue } from "../../application/prepare-enqueue.ts";
import { inBatches } from "./batches.ts";
import { digest } from "./digest.ts";
import { type KeyClaim, markPublished, takeKeys } from "./job-keys.ts";
import type { OutgoingMessage } from "./message.ts";
import { keyExpiry, versionFact } from "./message-facts.ts";
import type { Publisher } from "./publisher.ts";
import { asUnavailable } from "./sql-errors.ts";

export interface QStashJobQueueOptions {
  readonly publisher: Publisher;
  /** Where the keys are kept; jobs without a key never ask it. */
  readonly sql: SqlExecutor;
  readonly maxPayloadBytes: number;
  readonly clock: JobClock;
}

/** Publishes jobs to QStash, which delivers them to the webhook of this app. */
export class QStashJobQueue implements JobQueue {
  readonly #registry: JobRegistry;
  readonly #options: QStashJobQueueOptions;

  constructor(registry: JobRegistry, options: QStashJobQueueOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  async enqueue<N extends JobName>(
    name: N,
    payload: JobPayload<N>,
    options?: EnqueueOptions,
  ): Promise<void> {
    const { maxPayloadBytes } = this.#options;
    await this.#publish([
      await prepareEnqueue(this.#registry, maxPayloadBytes, name, payload, options),
    ]);
  }

  /**
   * All or none of every hundred: when a later hundred fails, the error's `details.enqueued` says how
   * many of the requests are in.
   */
  async enqueueMany(requests: readonly EnqueueRequest[]): Promise<void> {
    const { maxPayloadBytes } = this.#options;
    const jobs = await Promise.all(
      requests.map(({ name, payload, options }) =>
        prepareEnqueue(this.#registry, maxPayloadBytes, name, payload, options),
      ),
    );
    let enqueued = 0;
    for (const batch of inBatches(jobs)) {
      try {
        await this.#publish(batch);
      } catch (error) {
        throw enqueued > 0 && error instanceof JobsError ? error.with({ enqueued }) : error;
      }
      enqueued += batch.length;
    }
  }

  async #publish(jobs: readonly PreparedJob[]): Promise<void> {
    const { publisher, sql } = this.#options;
    const messages = jobs.map((job) => this.#messageOf(job));
    const claims = await this.#claimsOf(jobs, messages);
    if (claims.size === 0) {
      await publisher.publish(messages);
      return;
    }
    const held = await takeKeys(sql, [...claims.values()]).catch(asUnavailable);
    const pending: KeyClaim[] = [];
    const outgoing = messages.flatMap((message) => {
      const claim = claims.get(message);
      if (!claim) return jobs[messages.indexOf(message)]?.jobKey === undefined ? [message] : [];
      const holder = held.find(({ name, key }) => name === claim.name && key === claim.key);
      if (!holder || holder.published) return [];
      pending.push({ ...claim, holder: holder.holder });
      return [{ ...message, facts: { ...message.facts, id: holder.holder, key: claim.key } }];
    });
    await publisher.publish(outgoing);
    // QStash has them. Without this note the next enqueue publishes the same message once more.
    if (pending.length > 0) await markPublished(sql, pending).catch(() => undefined);
  }

  #messageOf({ definition, json, runAt, maxAttempts }: PreparedJob): OutgoingMessage {
    const isLater = runAt !== undefined && runAt > this.#options.clock.now();
    return {
      name: definition.name,
      json,
      facts: {
        id: crypto.randomUUID(),
        maxAttempts,
        tried: 0,
        hop: 0,
        ...versionFact(definition.version),
      },
      notBefore: isLater ? Math.ceil(runAt.getTime() / 1_000) : undefined,
    };
  }

  /** One for each key; of two jobs with the same key the first is the one. */
  async #claimsOf(
    jobs: readonly PreparedJob[],
    messages: readonly OutgoingMessage[],
  ): Promise<Map<OutgoingMessage, KeyClaim>> {
    const claims = new Map<OutgoingMessage, KeyClaim>();
    const seen = new Set<string>();
    for (const [index, { jobKey, runAt }] of jobs.entries()) {
      const message = messages[index];
      if (jobKey === undefined || !message) continue;
      const key = await digest(jobKey);
      if (seen.has(`${message.name} ${key}`)) continue;
      seen.add(`${message.name} ${key}`);
      const expiresAt = keyExpiry(runAt, this.#options.clock.now());
      claims.set(message, { name: message.name, key, holder: message.facts.id, expiresAt });
    }
    return claims;
  }
}

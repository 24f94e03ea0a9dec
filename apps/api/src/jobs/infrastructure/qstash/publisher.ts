import type { Client, PublishBatchRequest } from "@upstash/qstash";
import { ProviderRejectedError } from "../../application/job-errors.ts";
import { retryDelay } from "./redelivery-delay.ts";
import { messageUrl, type QStashMessage } from "./job-metadata.ts";
import { callQStash, exceededQuota } from "./qstash-client.ts";

/** Where messages go, and how many of them run at a time. */
export interface PublishSettings {
  /** The public base URL of this API, without a slash at its end. */
  readonly callbackUrl: string;
  /** Separates this deployment's schedules and concurrency from others in the same account. */
  readonly namespace: string;
  /** How many jobs run at a time over all instances. `undefined` sets no limit. */
  readonly concurrency: number | undefined;
}

/** Publishes messages to QStash. */
export interface Publisher {
  /**
   * Publishes one batch, see {@link inBatches}. Resolves when QStash has all of it. Publishing a message
   * again makes no second one.
   *
   * @throws JobsError `jobs.provider_unavailable`, `jobs.provider_rejected`
   */
  publish(messages: readonly QStashMessage[], now: Date): Promise<void>;
}

export function createPublisher(
  client: Client,
  settings: PublishSettings,
  planRetryLimit: PlanRetryLimit,
): Publisher {
  async function send(
    messages: readonly QStashMessage[],
    retries: number,
    now: Date,
  ): Promise<void> {
    const requests = messages.map((message) => messageRequest(message, retries, settings, now));
    const [only, ...others] = requests;
    if (!only) return;
    if (others.length === 0) {
      await client.publish(only);
      return;
    }
    const answers = await client.batch(requests);
    const refused = answers.flat().find((answer) => !("messageId" in answer));
    if (refused) {
      throw new ProviderRejectedError("qstash", "it did not take every message of a batch.", {
        cause: refused,
      });
    }
  }

  return {
    publish: (messages, now) =>
      callQStash(() => planRetryLimit((retries) => send(messages, retries, now)), now),
  };
}

/** Every plan lets a message wait for a week. */
const LONGEST_WAIT_SECONDS = 7 * 86_400 - 3_600;

function messageRequest(
  message: QStashMessage,
  retries: number,
  { callbackUrl, namespace, concurrency }: PublishSettings,
  now: Date,
): PublishBatchRequest<string> {
  const { runAt, id, messageIndex } = message;
  const notBefore =
    runAt !== undefined && runAt > now ? Math.ceil(runAt.getTime() / 1_000) : undefined;
  const latest = Math.floor(now.getTime() / 1_000) + LONGEST_WAIT_SECONDS;
  // The delivery hands such a job on to another message.
  const isFar = notBefore !== undefined && notBefore > latest;
  return {
    url: messageUrl(callbackUrl, message, retries, isFar ? notBefore : undefined),
    method: "POST",
    headers: { "content-type": "application/json" },
    body: message.json,
    retries,
    retryDelay: retryDelay(message.previousAttempts, retries),
    // A repeated request, for example by the client's own retry, makes one message.
    deduplicationId: messageIndex === 0 ? id : `${id}-${messageIndex}`,
    ...(notBefore !== undefined && { notBefore: isFar ? latest : notBefore }),
    ...(concurrency !== undefined && {
      flowControl: { key: namespace, parallelism: concurrency },
    }),
  };
}

/** Enough to reach an endpoint that is down for nine hours. */
export const WANTED_RETRIES = 12;

/** The retries that every plan allows. */
const LEAST_RETRIES = 3;

/** Calls with as many retries as the account's plan allows. Deliveries make up for missing retries. */
export type PlanRetryLimit = <T>(call: (retries: number) => Promise<T>) => Promise<T>;

/** Learns the plan's limit from QStash's first refusal, and remembers it. */
export function learnPlanRetryLimit(): PlanRetryLimit {
  let retries = WANTED_RETRIES;
  return async (call) => {
    const asked = retries;
    try {
      return await call(asked);
    } catch (error) {
      const { quota, limit = LEAST_RETRIES } = exceededQuota(error) ?? {};
      if (quota !== "maxRetries" || limit >= asked) throw error;
      // A concurrent call may have learnt a lower limit.
      retries = Math.min(retries, limit);
      return call(limit);
    }
  };
}

const BATCH_JOBS = 100;
const BATCH_CHARACTERS = 1_000_000;

/** Splits jobs into batches that QStash takes in one request. A large payload gets its own batch. */
export function inBatches<T extends { readonly json: string }>(jobs: readonly T[]): T[][] {
  const batches: T[][] = [];
  let size = 0;
  for (const job of jobs) {
    const batch = batches.at(-1);
    if (batch && batch.length < BATCH_JOBS && size + job.json.length <= BATCH_CHARACTERS) {
      batch.push(job);
      size += job.json.length;
    } else {
      batches.push([job]);
      size = job.json.length;
    }
  }
  return batches;
}

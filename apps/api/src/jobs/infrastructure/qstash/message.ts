import type { PublishBatchRequest } from "@upstash/qstash";
import { retryDelay } from "./back-off.ts";
import { destinationOf, type MessageFacts, withFacts } from "./message-facts.ts";
import type { QStashOptions } from "./qstash-client.ts";

/** Every plan lets a message wait a week. Longer waits are made of several. */
const LONGEST_WAIT_SECONDS = 7 * 86_400 - 3_600;

/** A message to be published: the job's name and payload, and what it says of the job. */
export interface OutgoingMessage {
  readonly name: string;
  readonly json: string;
  readonly facts: Omit<MessageFacts, "retries" | "runAt">;
  /** Unix seconds. */
  readonly notBefore?: number | undefined;
}

export function messageRequest(
  { name, json, facts, notBefore }: OutgoingMessage,
  retries: number,
  { callbackUrl, namespace, concurrency }: QStashOptions,
  now: Date,
): PublishBatchRequest<string> {
  const latest = Math.floor(now.getTime() / 1_000) + LONGEST_WAIT_SECONDS;
  const isFar = notBefore !== undefined && notBefore > latest;
  const said: MessageFacts = { ...facts, retries, ...(isFar && { runAt: notBefore }) };
  return {
    url: withFacts(destinationOf(callbackUrl, name), said),
    method: "POST",
    headers: { "content-type": "application/json" },
    body: json,
    retries,
    retryDelay: retryDelay(facts.tried, retries),
    // The same job again, say by the client's own retry, is one message.
    deduplicationId: messageId(facts),
    ...(notBefore !== undefined && { notBefore: isFar ? latest : notBefore }),
    ...(concurrency !== undefined && {
      flowControl: { key: namespace, parallelism: concurrency },
    }),
  };
}

/** Our name for a message: QStash's is not known when it is published. */
function messageId({ id, hop }: Pick<MessageFacts, "id" | "hop">): string {
  return hop === 0 ? id : `${id}-${hop}`;
}

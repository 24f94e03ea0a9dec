import type { Client } from "@upstash/qstash";
import { ProviderRejectedError } from "../../application/job-errors.ts";
import { messageRequest, type OutgoingMessage } from "./message.ts";
import { callQStash, type QStashOptions } from "./qstash-client.ts";
import { rememberRetryCap } from "./retry-cap.ts";

export interface Publisher {
  /**
   * Resolves when QStash has all of them. At most a batch at a time.
   *
   * @throws JobsError `jobs.provider_unavailable`, `jobs.provider_rejected`
   */
  publish(messages: readonly OutgoingMessage[]): Promise<void>;
}

export function createPublisher(
  client: Client,
  options: QStashOptions,
  now: () => Date,
): Publisher {
  const withRetries = rememberRetryCap();

  async function send(messages: readonly OutgoingMessage[], retries: number): Promise<void> {
    const requests = messages.map((message) => messageRequest(message, retries, options, now()));
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
    publish: (messages) =>
      callQStash(() => withRetries((retries) => send(messages, retries)), now()),
  };
}

import { Client } from "@upstash/qstash";
import { ProviderUnavailableError } from "../../application/job-errors.ts";
import { within } from "../../application/within.ts";
import { providerError } from "./qstash-errors.ts";

/** All that the provider has to know of QStash and of this app's place in it. */
export interface QStashOptions {
  /** QStash's API. */
  readonly url: string;
  readonly token: string;
  /** The public base URL of this API, without a slash at its end. */
  readonly callbackUrl: string;
  /** Tells this deployment's schedules from those of others in the same account. */
  readonly namespace: string;
  /** How many jobs run side by side over all instances; without it, as many as there are. */
  readonly concurrency: number | undefined;
}

const TIMEOUT_MS = 15_000;

/** The official client. It retries when the network fails, 3 times within a second. */
export function createClient({ url, token }: QStashOptions): Client {
  return new Client({
    baseUrl: url,
    token,
    retry: { retries: 2, backoff: (count) => 100 * 2 ** count },
    enableTelemetry: false,
    // QSTASH_DEV in the environment would turn to a server on this machine.
    devMode: false,
  });
}

/** Calls QStash. @throws JobsError `jobs.provider_unavailable` after 15 s, `jobs.provider_rejected` */
export async function callQStash<T>(call: () => Promise<T>, now = new Date()): Promise<T> {
  try {
    // The client takes no signal: an answer that comes later still is let go.
    return await within(TIMEOUT_MS, call(), () => {
      throw new ProviderUnavailableError("qstash", `no answer within ${TIMEOUT_MS} ms`);
    });
  } catch (cause) {
    throw providerError(cause, now);
  }
}

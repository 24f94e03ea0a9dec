import {
  Client,
  QstashDailyRatelimitError,
  QstashError,
  QstashRatelimitError,
} from "@upstash/qstash";
import {
  JobsError,
  ProviderRejectedError,
  ProviderUnavailableError,
} from "../../application/job-errors.ts";
import { withTimeout } from "../common/with-timeout.ts";

const TIMEOUT_MS = 15_000;

/** The official client. It retries twice when the network fails. */
export function createClient({
  url,
  token,
}: {
  readonly url: string;
  readonly token: string;
}): Client {
  return new Client({
    baseUrl: url,
    token,
    retry: { retries: 2, backoff: (count) => 100 * 2 ** count },
    enableTelemetry: false,
    // Otherwise QSTASH_DEV in the environment would redirect the client to a local server.
    devMode: false,
  });
}

/**
 * Calls QStash with a timeout of 15 seconds.
 *
 * @throws JobsError `jobs.provider_unavailable`, `jobs.provider_rejected`
 */
export async function callQStash<T>(call: () => Promise<T>, now = new Date()): Promise<T> {
  try {
    // The client takes no signal: a late answer is ignored.
    return await withTimeout(TIMEOUT_MS, call(), () => {
      throw new ProviderUnavailableError("qstash", `no answer within ${TIMEOUT_MS} ms`);
    });
  } catch (cause) {
    throw clientError(cause, now);
  }
}

/** When QStash received a message, or `undefined` if it no longer knows. */
export function findPublicationTime(client: Client, qstashId: string): Promise<Date | undefined> {
  return callQStash(() => client.messages.get(qstashId)).then(
    ({ createdAt }) => new Date(createdAt),
    () => undefined,
  );
}

/** The quota that a request exceeded, by QStash's name, with its limit if the error has it. */
export function exceededQuota(
  error: unknown,
): { readonly quota: string; readonly limit: number | undefined } | undefined {
  if (!(error instanceof QstashError)) return undefined;
  const match = /quota (\w+) exceeded(?:, current limit: (\d+))?/.exec(error.message);
  return match?.[1] === undefined
    ? undefined
    : { quota: match[1], limit: match[2] === undefined ? undefined : Number(match[2]) };
}

/** Converts a failed call to the contract's error. QStash's own text stays in `cause`. */
function clientError(cause: unknown, now: Date): JobsError {
  if (cause instanceof JobsError) return cause;
  if (cause instanceof QstashDailyRatelimitError) {
    return rateLimited("the plan's messages of the day are used up", cause.reset, cause, now);
  }
  if (cause instanceof QstashRatelimitError) {
    return rateLimited("too many requests at a time", cause.reset, cause, now);
  }
  if (!(cause instanceof QstashError)) {
    const text = cause instanceof Error ? describeNetworkError(cause) : "the request failed";
    return new ProviderUnavailableError("qstash", text, { cause });
  }
  const { status = 0 } = cause;
  return status >= 500
    ? new ProviderUnavailableError("qstash", `it answered ${status}`, { cause })
    : rejected(cause, status);
}

function rejected(cause: QstashError, status: number): ProviderRejectedError {
  const refused = (what: string, details: Readonly<Record<string, unknown>>) =>
    new ProviderRejectedError("qstash", what, { cause, details });
  if (status === 401 || status === 403) {
    return refused("it does not accept QSTASH_TOKEN. Copy your account's token from the console.", {
      refused: "token",
    });
  }
  const quota = exceededQuota(cause);
  if (quota) {
    const limit = quota.limit === undefined ? "" : ` of ${quota.limit}`;
    return refused(`the job exceeds the plan's quota ${quota.quota}${limit}.`, {
      refused: "quota",
      ...quota,
    });
  }
  if (/destination|endpoint|loopback/i.test(cause.message)) {
    return refused(
      "it cannot deliver to QSTASH_CALLBACK_URL, which must be a public URL of this API.",
      { refused: "destination" },
    );
  }
  return refused(`it answered ${status}.`, { refused: "request" });
}

function rateLimited(what: string, reset: string | null, cause: Error, now: Date) {
  const seconds = secondsUntil(Number(reset ?? Number.NaN), now);
  return new ProviderUnavailableError("qstash", what, {
    cause,
    ...(seconds !== undefined && { retryAfterSeconds: seconds }),
  });
}

/** QStash sends a time in Unix seconds or milliseconds. A small number is a duration in seconds. */
function secondsUntil(reset: number, now: Date): number | undefined {
  if (!Number.isFinite(reset) || reset < 0) return undefined;
  if (reset < 1e9) return reset;
  const time = reset < 1e12 ? reset * 1_000 : reset;
  return Math.max(0, Math.ceil((time - now.getTime()) / 1_000));
}

/** Names the error's code only: other texts may repeat what was sent. */
function describeNetworkError({ cause }: Error): string {
  const hasCode = cause instanceof Error && "code" in cause && typeof cause.code === "string";
  return hasCode ? `the request failed (${String(cause.code)})` : "the request failed";
}

import { QstashDailyRatelimitError, QstashError, QstashRatelimitError } from "@upstash/qstash";
import {
  JobsError,
  ProviderRejectedError,
  ProviderUnavailableError,
} from "../../application/job-errors.ts";

/** A failure of QStash's API as the contract's error; QStash's own words are kept in `cause`. */
export function providerError(cause: unknown, now: Date): JobsError {
  if (cause instanceof JobsError) return cause;
  if (cause instanceof QstashDailyRatelimitError) {
    return rateLimited("the plan's messages of the day are used up", cause.reset, cause, now);
  }
  if (cause instanceof QstashRatelimitError) {
    return rateLimited("too many requests at a time", cause.reset, cause, now);
  }
  if (!(cause instanceof QstashError)) {
    const text = cause instanceof Error ? describeNetwork(cause) : "the request failed";
    return new ProviderUnavailableError("qstash", text, { cause });
  }
  const { status = 0 } = cause;
  if (status >= 500) {
    return new ProviderUnavailableError("qstash", `it answered ${status}`, { cause });
  }
  return rejected(cause, status);
}

/** The quota that was exceeded, in QStash's name for it, with its limit where the text has it. */
export function exceededQuota(
  error: unknown,
): { readonly quota: string; readonly limit: number | undefined } | undefined {
  if (!(error instanceof QstashError)) return undefined;
  const match = /quota (\w+) exceeded(?:, current limit: (\d+))?/.exec(error.message);
  return match?.[1] === undefined
    ? undefined
    : { quota: match[1], limit: match[2] === undefined ? undefined : Number(match[2]) };
}

function rejected(cause: QstashError, status: number): ProviderRejectedError {
  const refused = (what: string, details: Readonly<Record<string, unknown>>) =>
    new ProviderRejectedError("qstash", what, { cause, details });
  if (status === 401 || status === 403) {
    return refused("it does not accept QSTASH_TOKEN. Copy the token of your account anew.", {
      refused: "token",
    });
  }
  const quota = exceededQuota(cause);
  if (quota) {
    const limit = quota.limit === undefined ? "" : `, whose limit is ${quota.limit}`;
    return refused(`the plan's quota ${quota.quota}${limit}, is exceeded.`, {
      refused: "quota",
      ...quota,
    });
  }
  if (/destination|endpoint|loopback/i.test(cause.message)) {
    return refused(
      "it cannot deliver to QSTASH_CALLBACK_URL: that must be a public URL of this API.",
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

/** QStash says it as a moment, in unix seconds or milliseconds; a small number is a span. */
function secondsUntil(reset: number, now: Date): number | undefined {
  if (!Number.isFinite(reset) || reset < 0) return undefined;
  if (reset < 1e9) return reset;
  const moment = reset < 1e12 ? reset * 1_000 : reset;
  return Math.max(0, Math.ceil((moment - now.getTime()) / 1_000));
}

/** What failed stands in the cause of fetch's error. Other texts may repeat what was sent. */
function describeNetwork({ cause }: Error): string {
  const hasCode = cause instanceof Error && "code" in cause && typeof cause.code === "string";
  return hasCode ? `the request failed (${String(cause.code)})` : "the request failed";
}

import { ApiError, badRequest } from "#src/protocol/api-error.ts";
import type { MessageOptions } from "#src/protocol/message-options.ts";

export type PlanName = "free" | "payg";

/** The published limits of a plan. */
export interface Plan {
  readonly maxDelayMs: number;
  readonly maxRetries: number;
  readonly maxMessageBytes: number;
  readonly maxTimeoutMs: number;
  readonly maxSchedules: number;
  readonly dlqRetentionMs: number;
  readonly messagesPerDay: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const PLANS: Readonly<Record<PlanName, Plan>> = {
  free: {
    maxDelayMs: 7 * DAY_MS,
    maxRetries: 3,
    maxMessageBytes: 1024 * 1024,
    maxTimeoutMs: HOUR_MS / 4,
    maxSchedules: 10,
    dlqRetentionMs: 3 * DAY_MS,
    messagesPerDay: 1_000,
  },
  payg: {
    maxDelayMs: 365 * DAY_MS,
    maxRetries: 5,
    maxMessageBytes: 10 * 1024 * 1024,
    maxTimeoutMs: 2 * HOUR_MS,
    maxSchedules: 1_000,
    dlqRetentionMs: 7 * DAY_MS,
    messagesPerDay: Number.POSITIVE_INFINITY,
  },
};

/**
 * Checks a message against the plan, with the error texts of production.
 *
 * @throws ApiError 412
 */
export function checkQuotas(plan: Plan, options: MessageOptions, bytes: number, now: number): void {
  const delayMs =
    options.notBefore === undefined ? (options.delayMs ?? 0) : options.notBefore - now;
  if (delayMs > plan.maxDelayMs) exceeded("maxDelay", plan.maxDelayMs / 1_000);
  if ((options.retries ?? 0) > plan.maxRetries) exceeded("maxRetries", plan.maxRetries);
  if (bytes > plan.maxMessageBytes) exceeded("maxMessageSize", plan.maxMessageBytes);
}

function exceeded(quota: string, limit: number): never {
  throw new ApiError(412, `quota ${quota} exceeded, current limit: ${limit}`);
}

const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1\]|\[::\])$/;

/**
 * Checks that messages can be sent to the URL.
 *
 * @throws ApiError 400
 */
export function checkDestination(url: string, strict: boolean): string {
  const { protocol, hostname } = URL.parse(url) ?? { protocol: "", hostname: "" };
  if ((protocol !== "http:" && protocol !== "https:") || !/^https?:\/\//i.test(url)) {
    badRequest("invalid destination url: endpoint has invalid scheme, add http:// or https://");
  }
  if (strict && LOOPBACK.test(hostname)) {
    badRequest(`invalid destination url: endpoint resolves to a loopback address: ${hostname}`);
  }
  return url;
}

import { backOffMs } from "../../application/retry-policy.ts";

/** The contract's back-off in the whole seconds that QStash takes. */
export function backOffSeconds(attempt: number): number {
  return Math.ceil(backOffMs(attempt) / 1_000);
}

/** An endpoint that is down may stay so: the last retry is no sooner. */
const LAST_SECONDS = 1_800;

/**
 * The same as an `Upstash-Retry-Delay`, in milliseconds over `retried` from 0, for deliveries that got
 * no answer of ours.
 */
export function retryDelay(tried: number, retries: number): string {
  const contract = `exp(min(retried + ${tried + 1}, 10))`;
  const last = `floor((retried + 1) / ${Math.max(retries, 1)}) * ${LAST_SECONDS}`;
  return `ceil(1000 * max(${contract}, ${last}))`;
}

/** How long a delivery stays away that began no run: a second, and longer if that was no help. */
export function refusalSeconds(retried: number, retries: number): number {
  return Math.max(backOffSeconds(retried), retried + 1 >= retries ? LAST_SECONDS : 0);
}

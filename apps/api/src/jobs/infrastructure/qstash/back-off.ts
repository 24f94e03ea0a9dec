import { backOffMs } from "../../application/retry-policy.ts";

/** The contract's back-off in the whole seconds that QStash takes. */
export function backOffSeconds(attempt: number): number {
  return Math.ceil(backOffMs(attempt) / 1_000);
}

/** An endpoint that is down may stay so: the last retry is no sooner. */
const LAST_SECONDS = 1_800;

/**
 * An `Upstash-Retry-Delay`, in milliseconds over `retried` from 0, for deliveries that got no answer of
 * ours. The first three attempts come again after 2.7 seconds: a deploy or a crash cut them off, or they
 * found nobody, and QStash counts those that began no run, too. From then on a job that takes every instance
 * with it, or an endpoint that is down, waits as the contract does two attempts earlier. The last of few
 * retries comes when an outage may be over.
 */
export function retryDelay(tried: number, retries: number): string {
  // 1000 / e, so that no minus is needed, which not everybody's expressions may have.
  const grown = `368 * exp(min(max(retried + ${tried}, 2), 11))`;
  const last = `floor((retried + 1) / ${Math.max(retries, 1)}) * ${LAST_SECONDS * 1_000}`;
  return `ceil(max(${grown}, ${last}))`;
}

/** How long a delivery stays away that began no run: a second, and longer when that was no help twice. */
export function refusalSeconds(retried: number, retries: number): number {
  const isLast = retried + 1 >= retries;
  return Math.max(backOffSeconds(Math.max(retried - 1, 0)), isLast ? LAST_SECONDS : 0);
}

import { backOffMs } from "../../application/back-off.ts";

/** The contract's back-off in whole seconds. */
export function backOffSeconds(attempt: number): number {
  return Math.ceil(backOffMs(attempt) / 1_000);
}

/** The last retry comes no sooner, since an endpoint that is down may stay down. */
const LAST_RETRY_SECONDS = 1_800;

/**
 * The message's `Upstash-Retry-Delay`, in milliseconds over `retried` from 0. QStash uses it for
 * deliveries that got no answer of ours.
 *
 * The first three retries come after 2.7 seconds: a crash or a deploy cut the run off, or QStash found no
 * instance. Later ones wait as the contract does two attempts earlier, since the job itself may crash the
 * instances. The last retry of a small plan comes when an outage may be over.
 */
export function retryDelay(previousAttempts: number, retries: number): string {
  // 368 is 1000 / e: the expression needs no minus, which not every parser supports.
  const growing = `368 * exp(min(max(retried + ${previousAttempts}, 2), 11))`;
  const last = `floor((retried + 1) / ${Math.max(retries, 1)}) * ${LAST_RETRY_SECONDS * 1_000}`;
  return `ceil(max(${growing}, ${last}))`;
}

/** The wait after a delivery that began no run: one second twice, then longer and longer. */
export function retryLaterSeconds(retried: number, retries: number): number {
  const isLast = retried + 1 >= retries;
  return Math.max(backOffSeconds(Math.max(retried - 1, 0)), isLast ? LAST_RETRY_SECONDS : 0);
}

/**
 * The shortest wait after failed attempt `attempt`, in milliseconds.
 *
 * memory and qstash call this. graphile-worker computes the same wait in its own SQL when a run fails, and
 * `release_jobs` in infrastructure/graphile/migrations does so after a crash.
 */
export function backOffMs(attempt: number): number {
  return 1_000 * Math.exp(Math.min(attempt, 10));
}

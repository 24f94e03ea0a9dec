import type { WorkerEvents } from "graphile-worker";

/**
 * Has the local queue run what it claimed in the order of priority and time. The statement that
 * claims a batch chooses by that order, but Postgres returns updated rows in any.
 */
export function orderClaims(events: WorkerEvents): void {
  events.on("localQueue:getJobs:complete", ({ jobs }) => {
    jobs.sort(
      (one, other) => one.priority - other.priority || Number(one.run_at) - Number(other.run_at),
    );
  });
}

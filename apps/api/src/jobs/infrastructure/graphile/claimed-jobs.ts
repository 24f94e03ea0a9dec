import type { WorkerEvents } from "graphile-worker";

/**
 * Collects what the local queue still holds when a worker shuts down: the ids of jobs that were
 * claimed and never begun. Returning them is ours because graphile-worker 0.18 stumbles over it: it
 * reports an error every time, and when the database is gone the rejection ends the process.
 */
export function takeClaimedJobs(events: WorkerEvents): readonly string[] {
  const ids: string[] = [];
  events.once("localQueue:init", ({ localQueue }) => {
    events.on("pool:gracefulShutdown", () => {
      ids.push(...localQueue.jobQueue.splice(0).map(({ id }) => id));
    });
  });
  return ids;
}

/**
 * The local queue and the batches give many times the throughput of graphile-worker's own defaults.
 * The queue is short-lived, so that one worker does not hoard what others could do.
 */
export function workerPreset(concurrency: number): Partial<GraphileConfig.WorkerOptions> {
  return {
    concurrentJobs: concurrency,
    localQueue: { size: Math.min(concurrency * 100, 500), ttl: 1_000 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  };
}

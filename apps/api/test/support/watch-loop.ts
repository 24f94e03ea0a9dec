/** Measures how long this thread computes without a turn for timers. */
export interface LoopWatch {
  /** Ends the watch. Returns the longest block, in milliseconds. */
  stop(): number;
}

/**
 * Watches the event loop. Counts the time that the process computes, not the time that passes: other
 * processes on a busy machine are no block.
 */
export function watchLoop(): LoopWatch {
  let longest = 0;
  let since = process.cpuUsage();
  let at = performance.now();
  const look = () => {
    const { user, system } = process.cpuUsage(since);
    longest = Math.max(longest, Math.min((user + system) / 1_000, performance.now() - at));
    since = process.cpuUsage();
    at = performance.now();
  };
  const timer = setInterval(look, 1);
  return {
    stop() {
      look();
      clearInterval(timer);
      return longest;
    },
  };
}

import pTimeout from "p-timeout";

/**
 * Returns the result of `work`, or of `onTimeout` after `ms` milliseconds. Late work goes on, and its
 * result is ignored.
 */
export function withTimeout<T, L>(
  ms: number,
  work: Promise<T>,
  onTimeout: () => L,
): Promise<T | L> {
  // The library refuses a timeout of 0.
  return pTimeout(work, { milliseconds: Math.max(ms, 1), fallback: onTimeout });
}

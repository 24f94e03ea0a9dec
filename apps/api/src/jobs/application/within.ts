/**
 * What `work` comes to, or `late()` when that takes longer than `ms`. The work itself goes on, and
 * nobody hears of its end.
 */
export async function within<T, L>(ms: number, work: Promise<T>, late: () => L): Promise<T | L> {
  const timeUp = Promise.withResolvers<void>();
  const timer = setTimeout(timeUp.resolve, ms);
  try {
    return await Promise.race([work, timeUp.promise.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}

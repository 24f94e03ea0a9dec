const PATIENCE_MS = 15_000;

/** A queue between a handler and its case: what is reported is awaited, not slept for. */
export interface Probe<T> {
  report(value: T): void;
  /** The next reported value. Rejects when none comes within 15 seconds. */
  next(): Promise<T>;
  /** What was reported and not asked for yet. */
  readonly unread: readonly T[];
}

export function createProbe<T>(): Probe<T> {
  const unread: T[] = [];
  const waiting: ((value: T) => void)[] = [];
  return {
    unread,
    report(value) {
      const waiter = waiting.shift();
      if (waiter) waiter(value);
      else unread.push(value);
    },
    next() {
      const [value] = unread;
      if (value !== undefined) {
        unread.shift();
        return Promise.resolve(value);
      }
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`nothing was reported within ${PATIENCE_MS} ms`)),
          PATIENCE_MS,
        );
        waiting.push((reported) => {
          clearTimeout(timer);
          resolve(reported);
        });
      });
    },
  };
}

/** Resolves when the condition holds. Rejects when it does not within 15 seconds. */
export async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

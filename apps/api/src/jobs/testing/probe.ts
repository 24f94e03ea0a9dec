const PATIENCE_MS = 15_000;

/** Passes values from a handler to its test, so that the test waits for a run instead of sleeping. */
export interface Probe<T> {
  report(value: T): void;
  /** Returns the next reported value. Rejects if none comes within 15 seconds. */
  next(): Promise<T>;
  /** Reported values that `next` has not returned yet. */
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
          () => reject(new Error(`Nothing was reported within ${PATIENCE_MS} ms.`)),
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

/** Resolves when the condition holds. Rejects if that takes more than 15 seconds. */
export async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Not within ${PATIENCE_MS} ms: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

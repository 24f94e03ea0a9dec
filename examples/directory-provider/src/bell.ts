/** A pause that somebody may end. */
export interface Bell {
  /** Resolves after `ms` milliseconds, or when the bell rings. */
  wait(ms: number): Promise<void>;
  ring(): void;
}

export function createBell(): Bell {
  const waiting = new Set<() => void>();
  return {
    wait: (ms) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        waiting.add(done);
      }),
    ring() {
      for (const done of waiting) done();
    },
  };
}

/** Resolves when all have ended, or after `patienceMs` milliseconds. */
export async function endOf(all: readonly Promise<void>[], patienceMs: number): Promise<void> {
  const bell = createBell();
  void Promise.allSettled(all).then(bell.ring);
  if (all.length > 0) await bell.wait(patienceMs);
}

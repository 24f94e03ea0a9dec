import type { JobRuntime } from "../../application/job-runtime.ts";
import { catchStrayErrors } from "../../application/stray-errors.ts";

/** Closes what one start opened. Never rejects. */
export type Close = () => Promise<void>;

/**
 * The start and stop of a runtime: both are safe at any time, in any order, and more than once.
 *
 * - `start()` again returns the same promise. After a failed start it tries again.
 * - `stop()` aborts a start that is still opening, then closes what it opened.
 * - `start()` after `stop()` waits until that stop has ended.
 *
 * @param open opens one session. Its signal aborts when `stop()` is called; a start that rejects after
 * that counts as stopped, not as failed.
 */
export function createStartStop(
  open: (stopping: AbortSignal) => Promise<Close>,
): Pick<JobRuntime, "start" | "stop"> {
  interface Session {
    readonly stopping: AbortController;
    readonly opened: Promise<Close | undefined>;
  }
  let session: Session | undefined;
  let stopped: Promise<void> = Promise.resolve();

  function openSession(): Session {
    const stopping = new AbortController();
    const { signal } = stopping;
    const opened = stopped
      .then(() => (signal.aborted ? undefined : openCatching(open, signal)))
      .catch((error: unknown) => {
        if (signal.aborted) return undefined;
        if (session === opening) session = undefined;
        throw error;
      });
    const opening: Session = { stopping, opened };
    return opening;
  }

  return {
    async start() {
      session ??= openSession();
      await session.opened;
    },
    stop() {
      const closing = session;
      session = undefined;
      closing?.stopping.abort();
      // start() has already rejected for its caller.
      const closed = closing?.opened.then(
        (close) => close?.(),
        () => undefined,
      );
      stopped = Promise.all([stopped, closed]).then(() => undefined);
      return stopped;
    },
  };
}

/** Keeps errors of runs that nothing awaits from ending the process, from the start to the end of the stop. */
async function openCatching(
  open: (stopping: AbortSignal) => Promise<Close>,
  stopping: AbortSignal,
): Promise<Close> {
  const stopCatching = catchStrayErrors();
  try {
    const close = await open(stopping);
    return () => close().finally(stopCatching);
  } catch (error) {
    stopCatching();
    throw error;
  }
}

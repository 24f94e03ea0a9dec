/** How long a computation may keep timers and sockets waiting. */
const SLICE_MS = 2;

/**
 * Returns a function to await between the steps of a long computation. It lets timers and sockets have a
 * turn when the steps since the last turn took too long.
 */
export function createTimeSlices(): () => Promise<void> {
  let begin = performance.now();
  return async () => {
    if (performance.now() - begin < SLICE_MS) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
    begin = performance.now();
  };
}

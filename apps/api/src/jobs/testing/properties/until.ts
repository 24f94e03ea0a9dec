/** Turns of the event loop after which whatever is still awaited needs real time. */
const QUICK_TURNS = 20;

/** Waits until nothing is found any more. Rejects with what is, when that takes too long. */
export async function untilNone(
  patienceMs: number,
  find: () => Promise<readonly string[]>,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (let turn = 1; ; turn++) {
    const found = await find();
    if (found.length === 0) return;
    if (performance.now() > deadline)
      throw new Error([`not within ${patienceMs} ms:`, ...found].join("\n  "));
    await new Promise((resolve) => {
      if (turn < QUICK_TURNS) setImmediate(resolve);
      else setTimeout(resolve, 20);
    });
  }
}

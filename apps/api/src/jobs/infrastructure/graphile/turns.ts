import { setImmediate } from "node:timers/promises";
import type { JobDefinition } from "../../application/job-definition.ts";

/** What handlers may compute, one after another, before everything else has its turn. */
const TURN_MS = 100;

/**
 * Handlers that compute and never wait would follow each other, hundreds of them, without a turn of the event
 * loop: no heartbeat, no completion and no request would get through.
 */
export function inTurns(definitions: readonly JobDefinition[]): JobDefinition[] {
  let last = performance.now();
  const isDue = () => performance.now() - last >= TURN_MS;

  async function takeTurn(): Promise<void> {
    while (isDue()) {
      const seen = last;
      await setImmediate();
      // Whoever waited beside this one and went first may have computed since.
      if (last === seen) last = performance.now();
    }
  }

  return definitions.map((definition) => ({
    ...definition,
    // Looked at only here: between any earlier moment and this one the handlers of others may have run.
    run: (payload, context) =>
      isDue()
        ? takeTurn().then(() => definition.run(payload, context))
        : definition.run(payload, context),
  }));
}

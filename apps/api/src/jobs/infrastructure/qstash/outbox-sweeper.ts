import type { JobLogger } from "../../application/ports.ts";
import type { OutboxRelay } from "./outbox-relay.ts";

/** Sweeps the outbox as long as a process lives. */
export interface OutboxSweeper {
  start(): void;
  /** Resolves when a sweep that is under way has ended. */
  stop(): Promise<void>;
}

const INTERVAL_MS = 5_000;

export function createOutboxSweeper(relay: OutboxRelay, log: JobLogger): OutboxSweeper {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let sweeping: Promise<void> = Promise.resolve();
  let working = false;

  async function sweep(): Promise<void> {
    await relay.sweep().catch((err: unknown) => log.warn({ err }, "the outbox could not be swept"));
    if (working) sweepLater();
  }

  function sweepLater(): void {
    timer = setTimeout(() => {
      sweeping = sweep();
    }, INTERVAL_MS);
  }

  return {
    start() {
      if (working) return;
      working = true;
      sweepLater();
    },
    stop() {
      working = false;
      clearTimeout(timer);
      return sweeping;
    },
  };
}

import type { JobLogger } from "../../application/ports.ts";
import { type Repetition, repeat } from "../../application/repeat.ts";
import type { OutboxRelay } from "./outbox-relay.ts";

const INTERVAL_MS = 5_000;

/** Sweeps the outbox as long as a process lives. */
export function createOutboxSweeper(relay: OutboxRelay, log: JobLogger): Repetition {
  return repeat(INTERVAL_MS, () =>
    relay.sweep().catch((err: unknown) => log.warn({ err }, "the outbox could not be swept")),
  );
}

import { createHash } from "node:crypto";

const WINDOW_MS = 10 * 60_000;

interface Remembered {
  readonly messageId: string;
  readonly until: number;
}

/** The messages of the last ten minutes by deduplication id, whether delivered or not. */
export class Deduplication {
  // In insertion order, which is the order of expiry.
  readonly #seen = new Map<string, Remembered>();

  /** Finds the message that used the id within the last ten minutes. */
  find(id: string, now: number): string | undefined {
    this.#forget(now);
    return this.#seen.get(id)?.messageId;
  }

  remember(id: string, messageId: string, now: number): void {
    this.#seen.delete(id);
    this.#seen.set(id, { messageId, until: now + WINDOW_MS });
  }

  #forget(now: number): void {
    for (const [id, { until }] of this.#seen) {
      if (until > now) return;
      this.#seen.delete(id);
    }
  }
}

/** The content-based deduplication id: a hash of destination, headers and body. */
export function contentId(
  destination: string,
  headers: readonly (readonly [string, string])[],
  body: Uint8Array,
): string {
  return createHash("sha256")
    .update(JSON.stringify([destination, headers]))
    .update(body)
    .digest("hex");
}

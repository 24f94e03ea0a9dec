import { createHash } from "node:crypto";

const WINDOW_MS = 10 * 60_000;

interface Remembered {
  readonly messageId: string;
  readonly until: number;
}

/** Which messages were published in the last ten minutes, whatever became of them. */
export class Deduplication {
  // Insertion order is also the order of expiry.
  readonly #seen = new Map<string, Remembered>();

  /** The message that was published under the id inside the window. */
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

/** The id of content-based deduplication: the destination, what it would get, and its headers. */
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

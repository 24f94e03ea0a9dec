import type { Message } from "#src/store/message.ts";

export interface DeadLetter {
  readonly dlqId: string;
  readonly sequence: number;
  readonly message: Message;
  readonly failedAt: number;
  /** Absent when the destination did not answer. */
  readonly response?: {
    readonly status: number;
    readonly headers: Headers;
    readonly body: Uint8Array;
  };
}

const CAPACITY = 10_000;

/** The dead letter queue: failed messages, for as long as the plan keeps them. */
export class DeadLetters {
  readonly #letters = new Map<string, DeadLetter>();
  readonly #retentionMs: number;
  #sequence = 0;

  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs;
  }

  add(letter: Omit<DeadLetter, "dlqId" | "sequence">): DeadLetter {
    this.#prune(letter.failedAt);
    const sequence = this.#sequence++;
    const added = { ...letter, sequence, dlqId: `${letter.failedAt}-${sequence}` };
    this.#letters.set(added.dlqId, added);
    return added;
  }

  get(dlqId: string, now: number): DeadLetter | undefined {
    this.#prune(now);
    return this.#letters.get(dlqId);
  }

  remove(dlqId: string): void {
    this.#letters.delete(dlqId);
  }

  /** Oldest first. */
  list(now: number): DeadLetter[] {
    this.#prune(now);
    return [...this.#letters.values()];
  }

  #prune(now: number): void {
    for (const [dlqId, { failedAt }] of this.#letters) {
      const expired = failedAt + this.#retentionMs <= now;
      if (!expired && this.#letters.size <= CAPACITY) return;
      this.#letters.delete(dlqId);
    }
  }
}

import type { Message } from "#src/store/message.ts";

export type LogState =
  | "CREATED"
  | "ACTIVE"
  | "RETRY"
  | "ERROR"
  | "DELIVERED"
  | "FAILED"
  | "CANCEL_REQUESTED"
  | "CANCELED";

export interface LogDetails {
  readonly error?: string;
  readonly nextDeliveryTime?: number;
  readonly responseStatus?: number;
  readonly responseHeaders?: Readonly<Record<string, string[]>>;
  readonly responseBody?: string;
}

export interface LogEntry extends LogDetails {
  readonly sequence: number;
  readonly time: number;
  readonly state: LogState;
  readonly message: Message;
}

const CAPACITY = 10_000;
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** The latest events of all messages: at most {@link CAPACITY}, with 64 MiB of message bodies. */
export class Log {
  #entries: LogEntry[] = [];
  /** By message id, oldest first. */
  readonly #bodies = new Map<string, Uint8Array>();
  #bodyBytes = 0;
  #sequence = 0;
  readonly #print: (line: string) => void;

  /** `print` receives each entry as a line of text. */
  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  add(time: number, state: LogState, message: Message, details: LogDetails = {}): void {
    this.#keepBody(message);
    const shown = { ...message, body: new Uint8Array() };
    this.#entries.push({ ...details, sequence: ++this.#sequence, time, state, message: shown });
    this.#print(describe(state, message, details));
    if (this.#entries.length >= 2 * CAPACITY) this.#entries = this.#entries.slice(-CAPACITY);
  }

  /** Oldest first. The entries carry no body: see {@link bodyOf}. */
  list(): LogEntry[] {
    return this.#entries.slice(-CAPACITY);
  }

  /** The body of a message, unless newer bodies replaced it. */
  bodyOf(messageId: string): Uint8Array {
    return this.#bodies.get(messageId) ?? new Uint8Array();
  }

  /** Finds a message that was delivered after a time. */
  findDelivered(messageId: string, after: number): Message | undefined {
    const delivery = this.#entries.findLast(
      ({ state, message, time }) =>
        state === "DELIVERED" && message.id === messageId && time > after,
    );
    return delivery && { ...delivery.message, body: this.bodyOf(messageId) };
  }

  #keepBody({ id, body }: Message): void {
    if (this.#bodies.has(id)) return;
    this.#bodies.set(id, body);
    this.#bodyBytes += body.length;
    for (const [oldest, { length }] of this.#bodies) {
      if (this.#bodyBytes <= MAX_BODY_BYTES && this.#bodies.size <= CAPACITY) return;
      this.#bodies.delete(oldest);
      this.#bodyBytes -= length;
    }
  }
}

function describe(state: LogState, { id, url }: Message, { error }: LogDetails): string {
  return [state.padEnd(9), id, url, ...(error === undefined ? [] : [`(${error})`])].join(" ");
}

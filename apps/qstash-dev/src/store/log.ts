import type { Message } from "#src/store/message.ts";

export type LogState =
  | "CREATED"
  | "ACTIVE"
  | "RETRY"
  | "ERROR"
  | "DELIVERED"
  | "FAILED"
  | "CANCELED";

export interface LogDetails {
  readonly error?: string;
  readonly nextDeliveryTime?: number;
  readonly responseStatus?: number;
  readonly responseBody?: string;
}

export interface LogEntry extends LogDetails {
  readonly sequence: number;
  readonly time: number;
  readonly state: LogState;
  readonly message: Message;
}

const CAPACITY = 10_000;

/** The latest events of all messages, at most {@link CAPACITY}. */
export class Log {
  #entries: LogEntry[] = [];
  #sequence = 0;
  readonly #print: (line: string) => void;

  /** `print` receives each entry as a line of text. */
  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  add(time: number, state: LogState, message: Message, details: LogDetails = {}): void {
    // Without the body, which can be large.
    const shown = { ...message, body: new Uint8Array() };
    this.#entries.push({ ...details, sequence: ++this.#sequence, time, state, message: shown });
    this.#print(describe(state, message, details));
    if (this.#entries.length >= 2 * CAPACITY) this.#entries = this.#entries.slice(-CAPACITY);
  }

  /** Newest first. */
  list(): LogEntry[] {
    return this.#entries.slice(-CAPACITY).toReversed();
  }
}

function describe(state: LogState, { id, url }: Message, { error }: LogDetails): string {
  return [state.padEnd(9), id, url, ...(error === undefined ? [] : [`(${error})`])].join(" ");
}

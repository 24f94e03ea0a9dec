import { randomBytes } from "node:crypto";
import type {
  CallbackOptions,
  HeaderList,
  MessageOptions,
  RetryDelay,
} from "#src/protocol/message-options.ts";

export interface Destination {
  readonly url: string;
  readonly urlGroup?: string | undefined;
  readonly endpointName?: string | undefined;
}

/** A message as it was published. The engine keeps the state of its delivery. */
export interface Message extends Destination {
  readonly id: string;
  readonly method: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
  readonly maxRetries: number;
  readonly retryDelay: RetryDelay | undefined;
  readonly timeoutMs: number;
  readonly callback: CallbackOptions | undefined;
  readonly failureCallback: CallbackOptions | undefined;
  readonly flowControl: MessageOptions["flowControl"];
  readonly labels: readonly string[];
  readonly redaction: MessageOptions["redaction"];
  readonly queueName: string | undefined;
  readonly scheduleId: string | undefined;
  readonly callerIp: string;
  readonly createdAt: number;
  readonly notBefore: number;
}

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Makes an unguessable id such as `msg_4fKq…`. */
export function randomId(prefix: string, length = 28): string {
  const letters = [...randomBytes(length)].map((byte) => ALPHABET[byte % ALPHABET.length]);
  return `${prefix}_${letters.join("")}`;
}

/** Shows headers the way the API does: `{"Content-Type": ["text/plain"]}`. */
export function headerMap(headers: Iterable<readonly [string, string]>): Record<string, string[]> {
  const map = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const canonical = canonicalName(name);
    map.set(canonical, [...(map.get(canonical) ?? []), value]);
  }
  return Object.fromEntries(map);
}

function canonicalName(name: string): string {
  return name.toLowerCase().replaceAll(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}

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

/** A message as it was published; what becomes of it is kept elsewhere. */
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

import { type Clock, dueAt } from "#src/clock.ts";
import type { AttemptResult } from "#src/engine/attempt.ts";
import type { CallbackOptions } from "#src/protocol/message-options.ts";
import { headerMap, type Message, randomId } from "#src/store/message.ts";

export interface CallbackInput {
  readonly source: Message;
  readonly options: CallbackOptions;
  readonly result: AttemptResult;
  readonly retried: number;
  readonly dlqId: string | undefined;
  readonly clock: Clock;
}

/** Makes the message that reports an attempt to a callback URL. */
export function callbackMessage(input: CallbackInput): Message {
  const { source, options, clock } = input;
  return {
    id: randomId("msg"),
    url: options.url,
    method: options.method ?? "POST",
    headers: [
      ...options.headers.filter(([name]) => name !== "content-type"),
      ["content-type", "application/json"],
    ],
    body: Buffer.from(JSON.stringify(callbackBody(input))),
    maxRetries: options.retries ?? source.maxRetries,
    retryDelay: options.retryDelay,
    timeoutMs: options.timeoutMs ?? source.timeoutMs,
    callback: undefined,
    failureCallback: undefined,
    flowControl: options.flowControl,
    labels: options.labels ?? source.labels,
    redaction: options.redaction,
    queueName: undefined,
    scheduleId: source.scheduleId,
    callerIp: source.callerIp,
    createdAt: clock.now(),
    notBefore: dueAt(clock, options),
  };
}

function callbackBody({ source, result, retried, dlqId }: CallbackInput): object {
  const { answer, error } = result;
  return {
    status: answer?.status ?? 0,
    header: answer ? headerMap(answer.headers) : {},
    body: Buffer.from(answer?.body ?? error ?? "").toString("base64"),
    retried,
    maxRetries: source.maxRetries,
    dlqId,
    sourceMessageId: source.id,
    topicName: source.urlGroup ?? "",
    endpointName: source.endpointName ?? "",
    url: source.url,
    method: source.method,
    sourceHeader: headerMap(source.headers),
    sourceBody: Buffer.from(source.body).toString("base64"),
    notBefore: source.notBefore,
    createdAt: source.createdAt,
    scheduleId: source.scheduleId ?? "",
    callerIP: source.callerIp,
  };
}

import type { FlowKey } from "#src/engine/flow-controls.ts";
import type { Schedule } from "#src/engine/schedules.ts";
import { redacted } from "#src/protocol/message-options.ts";
import type { BulkAction } from "#src/store/bulk-actions.ts";
import type { DeadLetter } from "#src/store/dlq.ts";
import type { LogEntry } from "#src/store/log.ts";
import { headerMap, type Message } from "#src/store/message.ts";

/** JSON leaves undefined fields out. */
export function messageView(message: Message): object {
  return {
    messageId: message.id,
    url: message.url,
    topicName: message.urlGroup,
    endpointName: message.endpointName,
    method: message.method,
    header: shownHeaders(message),
    ...shownBody(message),
    maxRetries: message.maxRetries,
    retryDelayExpression: message.retryDelay?.text,
    notBefore: message.notBefore,
    createdAt: message.createdAt,
    callback: message.callback?.url,
    failureCallback: message.failureCallback?.url,
    queueName: message.queueName,
    scheduleId: message.scheduleId,
    // The SDK and the OpenAPI document spell it differently.
    callerIp: message.callerIp,
    callerIP: message.callerIp,
    ...flowControlView(message.flowControl),
    ...labelView(message.labels),
  };
}

export function deadLetterView({ dlqId, message, response }: DeadLetter): object {
  return {
    ...messageView(message),
    dlqId,
    responseStatus: response?.status ?? 0,
    responseHeader: response ? headerMap(response.headers) : {},
    ...(response && prefixed(textOrBase64(response.body))),
  };
}

export function logView(entry: LogEntry, body: Uint8Array): object {
  const { sequence: _, message, responseHeaders, ...rest } = entry;
  return {
    ...rest,
    messageId: message.id,
    url: message.url,
    body: logBody(body, message.redaction),
    responseHeaders,
    // The Python client reads this name.
    responseHeader: responseHeaders,
    topicName: message.urlGroup,
    endpointName: message.endpointName,
    method: message.method,
    header: shownHeaders(message),
    maxRetries: message.maxRetries,
    retryDelayExpression: message.retryDelay?.text,
    // The Python client reads this name.
    retryDelayExpr: message.retryDelay?.text,
    timeout: message.timeoutMs,
    callback: message.callback?.url,
    callbackHeaders: message.callback && headerMap(message.callback.headers),
    failureCallback: message.failureCallback?.url,
    failureCallbackHeaders: message.failureCallback && headerMap(message.failureCallback.headers),
    queueName: message.queueName,
    scheduleId: message.scheduleId,
    ...(message.flowControl && flowControlView(message.flowControl)),
    ...labelView(message.labels),
  };
}

export function scheduleView(schedule: Schedule): object {
  const { options, destination, body, callerIp, queueName } = schedule.request;
  const shown = { headers: options.headers, body, redaction: options.redaction };
  return {
    scheduleId: schedule.id,
    cron: schedule.cronText,
    createdAt: schedule.createdAt,
    destination,
    method: options.method ?? "POST",
    header: shownHeaders(shown),
    ...shownBody(shown),
    retries: options.retries ?? 3,
    delay: options.delayMs === undefined ? undefined : options.delayMs / 1_000,
    callback: options.callback?.url,
    failureCallback: options.failureCallback?.url,
    callerIp,
    callerIP: callerIp,
    isPaused: schedule.paused,
    queueName,
    ...(options.flowControl && flowControlView(options.flowControl)),
    retryDelayExpression: options.retryDelay?.text,
    ...labelView(options.labels ?? []),
    lastScheduleTime: schedule.lastTick,
    nextScheduleTime: schedule.nextTick,
    lastScheduleStates: Object.fromEntries(schedule.states),
  };
}

export function bulkActionView(action: BulkAction): object {
  const { sequence: _, ...shown } = action;
  return shown;
}

export function flowKeyView(flow: FlowKey): object {
  return {
    flowControlKey: flow.key,
    waitListSize: flow.lane.waiting,
    parallelismMax: flow.parallelism ?? 0,
    parallelismCount: flow.lane.active,
    rateMax: flow.rate ?? 0,
    rateCount: flow.periodCount,
    ratePeriod: flow.periodMs / 1_000,
    ratePeriodStart: Math.floor(flow.periodStart / 1_000),
    isPaused: flow.paused,
    isPinnedParallelism: flow.pinnedParallelism,
    isPinnedRate: flow.pinnedRate,
  };
}

type Shown = Pick<Message, "headers" | "body" | "redaction">;

function shownHeaders({ headers, redaction }: Shown): Record<string, string[]> {
  const isHidden = (name: string) =>
    redaction !== undefined && (redaction.allHeaders || redaction.headers.includes(name));
  return headerMap(
    headers.map(([name, value]): [string, string] => [
      name,
      isHidden(name) ? redacted(value) : value,
    ]),
  );
}

function shownBody({ body, redaction }: Shown): { body?: string; bodyBase64?: string } {
  return redaction?.body && body.length > 0 ? { body: redacted(body) } : textOrBase64(body);
}

/** Leaves an empty body out, as QStash does. */
function textOrBase64(bytes: Uint8Array): { body?: string; bodyBase64?: string } {
  if (bytes.length === 0) return {};
  try {
    return { body: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { bodyBase64: Buffer.from(bytes).toString("base64") };
  }
}

/** Logs show every body in base64. */
function logBody(body: Uint8Array, redaction: Message["redaction"]): string | undefined {
  if (body.length === 0) return undefined;
  return redaction?.body ? redacted(body) : Buffer.from(body).toString("base64");
}

function prefixed({ body, bodyBase64 }: { body?: string; bodyBase64?: string }): object {
  return { responseBody: body, responseBodyBase64: bodyBase64 };
}

function flowControlView(flow: Message["flowControl"]): object {
  // The SDK's type requires the key.
  if (!flow) return { flowControlKey: "" };
  return {
    flowControlKey: flow.key,
    parallelism: flow.parallelism,
    rate: flow.rate,
    period: flow.periodMs / 1_000,
  };
}

function labelView(labels: readonly string[]): object {
  return labels.length === 0 ? {} : { label: labels[0], labels };
}

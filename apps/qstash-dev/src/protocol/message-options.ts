import { badRequest } from "#src/protocol/api-error.ts";
import { parseDuration } from "#src/protocol/duration.ts";
import { type FlowControl, parseFlowControl } from "#src/protocol/flow-control.ts";
import { parseRedaction, type Redaction } from "#src/protocol/redaction.ts";
import { parseRetryExpression, type RetryExpression } from "#src/protocol/retry-expression.ts";

export type HeaderList = readonly (readonly [name: string, value: string])[];

export interface RetryDelay {
  readonly text: string;
  readonly evaluate: RetryExpression;
}

/** How to deliver. What a publisher left out is undefined. */
interface DeliveryOptions {
  readonly method: string | undefined;
  /** What the destination gets: the forwarded headers and the content type. */
  readonly headers: HeaderList;
  readonly delayMs: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly retries: number | undefined;
  readonly retryDelay: RetryDelay | undefined;
}

export interface CallbackOptions extends DeliveryOptions {
  readonly url: string;
}

/** Everything that the headers of a publish say. */
export interface MessageOptions extends DeliveryOptions {
  /** Wall-clock milliseconds; beats the delay. */
  readonly notBefore: number | undefined;
  readonly deduplicationId: string | undefined;
  readonly contentBasedDeduplication: boolean;
  readonly callback: CallbackOptions | undefined;
  readonly failureCallback: CallbackOptions | undefined;
  readonly flowControl: FlowControl | undefined;
  readonly labels: readonly string[] | undefined;
  readonly redaction: Redaction | undefined;
}

const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);

/**
 * Reads the `Upstash-*` headers of a publish, an enqueue, a batch item or a schedule.
 *
 * @throws ApiError 400 when one of them makes no sense.
 */
export function parseMessageOptions(headers: Headers): MessageOptions {
  return {
    ...parseDelivery(headers),
    notBefore: parseNotBefore(headers.get("upstash-not-before")),
    deduplicationId: parseDeduplicationId(headers.get("upstash-deduplication-id")),
    contentBasedDeduplication: headers.get("upstash-content-based-deduplication") === "true",
    callback: parseCallback(headers, "upstash-callback"),
    failureCallback: parseCallback(headers, "upstash-failure-callback"),
    flowControl: parseFlowControl(headers),
    labels: headers
      .get("upstash-label")
      ?.split(",")
      .map((label) => label.trim())
      .filter((label) => label !== ""),
    redaction: headers.has("upstash-redact-fields")
      ? parseRedaction(headers.get("upstash-redact-fields"))
      : undefined,
  };
}

function parseDelivery(headers: Headers): DeliveryOptions {
  return {
    method: parseMethod(headers.get("upstash-method")),
    headers: forwarded(headers),
    delayMs: duration("delay", headers.get("upstash-delay")),
    timeoutMs: duration("timeout", headers.get("upstash-timeout")),
    retries: parseRetries(headers.get("upstash-retries")),
    retryDelay: parseRetryDelay(headers.get("upstash-retry-delay")),
  };
}

/** `Upstash-Callback-Retries` is to a callback what `Upstash-Retries` is to the message. */
function parseCallback(headers: Headers, name: string): CallbackOptions | undefined {
  const url = headers.get(name);
  if (url === null) return undefined;
  const own = [...headers]
    .filter(([header]) => header.startsWith(`${name}-`))
    .map(([header, value]): [string, string] => [header.replace(name, "upstash"), value]);
  return { ...parseDelivery(new Headers(own)), url };
}

const FORWARD = "upstash-forward-";

function forwarded(headers: Headers): HeaderList {
  return [...headers].flatMap(([name, value]): [string, string][] => {
    if (name === "content-type") return [[name, value]];
    return name.startsWith(FORWARD) ? [[name.slice(FORWARD.length), value]] : [];
  });
}

function parseMethod(value: string | null): string | undefined {
  if (value === null) return undefined;
  const method = value.toUpperCase();
  return METHODS.has(method) ? method : badRequest(`invalid method: ${value}`);
}

function duration(what: string, value: string | null): number | undefined {
  if (value === null) return undefined;
  return parseDuration(value) ?? badRequest(`invalid ${what}: "${value}" is not a duration`);
}

function parseRetries(value: string | null): number | undefined {
  if (value === null) return undefined;
  return /^\d+$/.test(value) ? Number(value) : badRequest(`invalid retries: "${value}"`);
}

function parseRetryDelay(value: string | null): RetryDelay | undefined {
  if (value === null) return undefined;
  const evaluate = parseRetryExpression(value);
  return evaluate ? { text: value, evaluate } : badRequest(`invalid retry delay: "${value}"`);
}

function parseNotBefore(value: string | null): number | undefined {
  if (value === null) return undefined;
  return /^\d+$/.test(value) ? Number(value) * 1_000 : badRequest(`invalid not before: "${value}"`);
}

function parseDeduplicationId(value: string | null): string | undefined {
  if (value?.includes(":")) badRequest("DeduplicationId cannot contain ':'");
  return value || undefined;
}

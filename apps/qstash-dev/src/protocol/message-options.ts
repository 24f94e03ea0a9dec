import { createHash } from "node:crypto";
import { badRequest, refuseWorkflow } from "#src/protocol/api-error.ts";
import { type FlowControl, parseFlowControl } from "#src/protocol/flow-control.ts";
import { parseDuration } from "#src/protocol/retry-delay.ts";
import { parseRetryExpression, type RetryExpression } from "#src/protocol/retry-expression.ts";

export type HeaderList = readonly (readonly [name: string, value: string])[];

export interface RetryDelay {
  readonly text: string;
  readonly evaluate: RetryExpression;
}

/** How to deliver. Undefined where the publisher gave no value. */
interface DeliveryOptions {
  readonly method: string | undefined;
  /** Headers for the destination: the forwarded ones and the content type. */
  readonly headers: HeaderList;
  readonly delayMs: number | undefined;
  /** Wall-clock milliseconds. Takes precedence over the delay. */
  readonly notBefore: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly retries: number | undefined;
  readonly retryDelay: RetryDelay | undefined;
  readonly flowControl: FlowControl | undefined;
  readonly labels: readonly string[] | undefined;
  readonly redaction: Redaction | undefined;
}

export interface CallbackOptions extends DeliveryOptions {
  readonly url: string;
}

/** The parts of a message that the API hides. The destination still gets them. */
export interface Redaction {
  readonly body: boolean;
  readonly allHeaders: boolean;
  readonly headers: readonly string[];
}

/** Everything that the headers of a publish request can say. */
export interface MessageOptions extends DeliveryOptions {
  readonly deduplicationId: string | undefined;
  readonly contentBasedDeduplication: boolean;
  readonly callback: CallbackOptions | undefined;
  readonly failureCallback: CallbackOptions | undefined;
}

const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);

/**
 * Reads the `Upstash-*` headers of a publish, an enqueue, a batch item or a schedule.
 *
 * @throws ApiError 400 if a header is invalid, 501 if it belongs to a workflow
 */
export function parseMessageOptions(headers: Headers): MessageOptions {
  if ([...headers.keys()].some((name) => name.startsWith("upstash-workflow-"))) refuseWorkflow();
  return {
    ...parseDelivery(headers),
    deduplicationId: parseDeduplicationId(headers.get("upstash-deduplication-id")),
    contentBasedDeduplication: headers.get("upstash-content-based-deduplication") === "true",
    callback: parseCallback(headers, "upstash-callback"),
    failureCallback: parseCallback(headers, "upstash-failure-callback"),
  };
}

function parseDelivery(headers: Headers): DeliveryOptions {
  return {
    method: parseMethod(headers.get("upstash-method")),
    headers: forwarded(headers),
    delayMs: duration("delay", headers.get("upstash-delay")),
    notBefore: parseNotBefore(headers.get("upstash-not-before")),
    timeoutMs: duration("timeout", headers.get("upstash-timeout")),
    retries: parseRetries(headers.get("upstash-retries")),
    retryDelay: parseRetryDelay(headers.get("upstash-retry-delay")),
    flowControl: parseFlowControl(headers),
    labels: parseLabels(headers.get("upstash-label")),
    redaction: parseRedaction(headers.get("upstash-redact-fields")),
  };
}

/** `Upstash-Callback-Retries` means for the callback what `Upstash-Retries` means for the message. */
function parseCallback(headers: Headers, name: string): CallbackOptions | undefined {
  const url = headers.get(name);
  if (url === null) return undefined;
  const own = [...headers]
    .filter(([header]) => header.startsWith(`${name}-`))
    .map(([header, value]): [string, string] => [header.replace(name, "upstash"), value]);
  return { ...parseDelivery(new Headers(own)), url };
}

const FORWARD = "upstash-forward-";

/** Headers of one hop. The HTTP client sets its own. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

function forwarded(headers: Headers): HeaderList {
  const forwardsAll = headers.get("upstash-header-forward")?.toLowerCase() === "true";
  const all = [...headers].filter(([name]) =>
    forwardsAll ? !name.startsWith("upstash-") && !HOP_BY_HOP.has(name) : name === "content-type",
  );
  const prefixed = [...headers]
    .filter(([name]) => name.startsWith(FORWARD))
    .map(([name, value]): [string, string] => [name.slice(FORWARD.length), value]);
  return [...new Map([...all, ...prefixed])];
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

function parseLabels(value: string | null): string[] | undefined {
  return value
    ?.split(",")
    .map((label) => label.trim())
    .filter((label) => label !== "");
}

function parseDeduplicationId(value: string | null): string | undefined {
  if (value?.includes(":")) badRequest("DeduplicationId cannot contain ':'");
  return value || undefined;
}

/** Reads `Upstash-Redact-Fields`: `body`, `header`, `header[Name]`, separated by commas. */
function parseRedaction(value: string | null): Redaction | undefined {
  if (value === null) return undefined;
  const fields = value.split(",").map((field) => field.trim().toLowerCase());
  return {
    body: fields.includes("body"),
    allHeaders: fields.includes("header") || fields.includes("headers"),
    headers: fields.flatMap((field) => /^header\[(.+)\]$/.exec(field)?.[1] ?? []),
  };
}

/** Replaces a redacted value. */
export function redacted(value: string | Uint8Array): string {
  return `REDACTED:${createHash("sha256").update(value).digest("hex")}`;
}

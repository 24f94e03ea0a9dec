import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { sign } from "#src/engine/signing.ts";
import { HOP_BY_HOP } from "#src/protocol/message-options.ts";
import { parseRetryAfter, retryDelayMs } from "#src/protocol/retry-delay.ts";
import type { LogDetails } from "#src/store/log.ts";
import { headerMap, type Message } from "#src/store/message.ts";

interface Outgoing {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined for methods without a body. */
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** At most {@link MAX_ANSWER_BYTES}. The rest is dropped. */
  readonly body: Uint8Array;
}

/** Sends one HTTP request without following redirects. Rejects if there is no answer. */
export type Send = (request: Outgoing) => Promise<Answer>;

/** The part of `fetch` that deliveries need. */
export type FetchLike = (url: string, init: RequestInit) => Response | Promise<Response>;

/** The result of one delivery attempt. */
export type AttemptResult =
  | { readonly answer: Answer; readonly error?: undefined }
  | { readonly answer?: undefined; readonly error: string };

export interface AttemptContext {
  readonly send: Send;
  readonly signingKey: string;
  readonly wallNow: number;
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
}

const REGION = "eu-central-1";
const WITHOUT_BODY = new Set(["GET", "HEAD"]);

/** Sends a message to its destination once, with a fresh signature. Never rejects. */
export async function attempt(
  message: Message,
  retried: number,
  { send, signingKey, wallNow, closing }: AttemptContext,
): Promise<AttemptResult> {
  // In real time, because a faster clock does not make the destination faster.
  const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(message.timeoutMs)));
  const body = WITHOUT_BODY.has(message.method) ? undefined : message.body;
  const { url, method } = message;
  const signature = sign({ key: signingKey, url, body: body ?? new Uint8Array(), wallNow });
  try {
    const answer = await send({
      url,
      method,
      headers: deliveryHeaders(message, {
        ...(body && { "Content-Length": String(body.length) }),
        "User-Agent": "Upstash-QStash",
        "Upstash-Caller-Ip": message.callerIp,
        "Upstash-Message-Id": message.id,
        "Upstash-Region": REGION,
        "Upstash-Retried": String(retried),
        "Upstash-Signature": signature,
        ...(message.urlGroup !== undefined && { "Upstash-Topic-Name": message.urlGroup }),
        ...(message.scheduleId !== undefined && { "Upstash-Schedule-Id": message.scheduleId }),
      }),
      body,
      signal: AbortSignal.any([timeout, closing]),
    });
    return { answer };
  } catch (error) {
    if (timeout.aborted) return { error: `no answer within ${message.timeoutMs} ms` };
    return { error: describe(error) };
  }
}

/** Adds our own headers to those of the message, which cannot override them. */
function deliveryHeaders(
  { headers }: Message,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const ownNames = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  const forwarded = headers.filter(([name]) => !HOP_BY_HOP.has(name) && !ownNames.has(name));
  return { ...Object.fromEntries(forwarded), ...own };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return error.message || (cause instanceof Error ? cause.message : error.name);
}

/** Whether the destination accepted the message. */
export function isSuccess({ answer }: AttemptResult): boolean {
  return answer !== undefined && answer.status >= 200 && answer.status < 300;
}

/** Whether the destination refused all further attempts. */
export function isNonRetryable({ answer }: AttemptResult): boolean {
  return answer?.status === 489 && answer.headers.get("upstash-nonretryable-error") === "true";
}

/** Says in one sentence why an attempt failed. */
export function errorOf({ answer, error }: AttemptResult): string {
  return error ?? `the destination answered ${answer.status}`;
}

/** How long to wait before the next attempt. */
export function delayAfter(
  { answer }: AttemptResult,
  { retryDelay }: Message,
  retried: number,
  wallNow: number,
): number {
  return retryDelayMs({
    retried,
    askedForMs: answer && parseRetryAfter(answer.headers, wallNow),
    expression: retryDelay?.evaluate,
  });
}

/** Describes a failed attempt for the logs. */
export function failureDetails(result: AttemptResult): LogDetails {
  const { answer } = result;
  if (!answer) return { error: errorOf(result) };
  return {
    error: errorOf(result),
    responseStatus: answer.status,
    responseBody: Buffer.from(answer.body).toString("base64"),
    responseHeaders: headerMap(answer.headers),
  };
}

/**
 * Sends with Node's HTTP client, because `fetch` gives up after five minutes. Each request has its
 * own connection, so that a restarted destination breaks nothing.
 */
export const sendOverHttp: Send = ({ url, method, headers, body, signal }) =>
  new Promise((resolve, reject) => {
    const request = url.startsWith("https:") ? httpsRequest : httpRequest;
    const outgoing = request(url, { method, headers, signal, agent: false }, (incoming) => {
      readAnswer(incoming).then(resolve, reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });

async function readAnswer(incoming: IncomingMessage): Promise<Answer> {
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  return { status: incoming.statusCode ?? 0, headers, body: await readStart(incoming) };
}

/** Sends through a `fetch`, for example that of an app in the same process. */
export function sendWithFetch(fetch: FetchLike): Send {
  return async ({ url, method, headers, body, signal }) => {
    const response = await fetch(url, {
      method,
      headers,
      signal,
      redirect: "manual",
      ...(body && { body: Buffer.from(body) }),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: await readStart(response.body ?? []),
    };
  };
}

const MAX_ANSWER_BYTES = 1024 * 1024;

async function readStart(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let room = MAX_ANSWER_BYTES;
  for await (const chunk of chunks) {
    parts.push(chunk.subarray(0, room));
    room -= chunk.length;
    if (room <= 0) break;
  }
  return Buffer.concat(parts);
}

import { sign } from "#src/engine/signature.ts";
import type { Answer, Send } from "#src/engine/send.ts";
import type { Message } from "#src/store/message.ts";

/** What one delivery attempt came to. */
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

/** Headers of one hop, which are the HTTP client's to set. */
const HOP_BY_HOP = new Set([
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

/** Sends a message to its destination once, with a signature of its own. Never rejects. */
export async function attempt(
  message: Message,
  retried: number,
  { send, signingKey, wallNow, closing }: AttemptContext,
): Promise<AttemptResult> {
  // In real time, however fast the clock runs: whoever answers works at its own pace.
  const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(message.timeoutMs)));
  const body = WITHOUT_BODY.has(message.method) ? undefined : message.body;
  const { url, method } = message;
  try {
    const answer = await send({
      url,
      method,
      headers: {
        ...Object.fromEntries(message.headers.filter(([name]) => !HOP_BY_HOP.has(name))),
        ...(body && { "Content-Length": String(body.length) }),
        "User-Agent": "Upstash-QStash",
        "Upstash-Caller-Ip": message.callerIp,
        "Upstash-Message-Id": message.id,
        "Upstash-Region": REGION,
        "Upstash-Retried": String(retried),
        "Upstash-Signature": sign({
          key: signingKey,
          url,
          body: body ?? new Uint8Array(),
          wallNow,
        }),
        ...(message.scheduleId !== undefined && { "Upstash-Schedule-Id": message.scheduleId }),
      },
      body,
      signal: AbortSignal.any([timeout, closing]),
    });
    return { answer };
  } catch (error) {
    if (timeout.aborted) return { error: `no answer within ${message.timeoutMs} ms` };
    return { error: describe(error) };
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return error.message || (cause instanceof Error ? cause.message : error.name);
}

/** Whether the destination took the message. */
export function isSuccess({ answer }: AttemptResult): boolean {
  return answer !== undefined && answer.status >= 200 && answer.status < 300;
}

/** Whether the destination said that trying again is of no use. */
export function isNonRetryable({ answer }: AttemptResult): boolean {
  return answer?.status === 489 && answer.headers.get("upstash-nonretryable-error") === "true";
}

/** What went wrong, for the logs. */
export function errorOf({ answer, error }: AttemptResult): string {
  return error ?? `the destination answered ${answer.status}`;
}

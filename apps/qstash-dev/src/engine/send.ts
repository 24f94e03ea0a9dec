import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";

interface Outgoing {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined where the method has none. */
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Cut off at {@link MAX_ANSWER_BYTES}. */
  readonly body: Uint8Array;
}

/** Sends one HTTP request. Rejects when there is no answer. Does not follow redirects. */
export type Send = (request: Outgoing) => Promise<Answer>;

/** The part of `fetch` that is needed to deliver with it. */
export type FetchLike = (url: string, init: RequestInit) => Response | Promise<Response>;

const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Sends with Node's HTTP client, which waits as long as the signal allows (`fetch` gives up after
 * five minutes), on a connection of its own, so that a restarted destination breaks nothing.
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

/** Delivers through a `fetch`, for example that of an app in the same process. */
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

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { RequestError } from "@hono/node-server";

type Refusal = readonly [status: string, code: string, message: string];

const INVALID: Refusal = ["400 Bad Request", "request.invalid", "The request is not valid HTTP."];

/** Keys are the codes of Node's errors. */
const REFUSALS: ReadonlyMap<string, Refusal> = new Map([
  [
    "ERR_HTTP_REQUEST_TIMEOUT",
    ["408 Request Timeout", "request.timeout", "The request did not arrive in time."],
  ],
  [
    "HPE_HEADER_OVERFLOW",
    [
      "431 Request Header Fields Too Large",
      "request.headers_too_large",
      "The headers are too large.",
    ],
  ],
  [
    "HPE_CHUNK_EXTENSIONS_OVERFLOW",
    ["413 Payload Too Large", "request.too_large", "The extensions of a chunk are too large."],
  ],
]);

/** Answers requests that Node cannot parse, in the JSON form of all errors and without Node's messages. */
export function answerUnreadableRequests(server: Server): void {
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (!(socket instanceof Socket) || !socket.writable || error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    const [status, code, message] = REFUSALS.get(error.code ?? "") ?? INVALID;
    const body = errorBody(code, message);
    socket.write(
      `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nConnection: close\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    socket.destroySoon();
  });
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) => {
    const body = errorBody("request.invalid", "The only supported expectation is 100-continue.");
    const headers = { "content-type": "application/json", "content-length": body.length };
    response.writeHead(417, { ...headers, connection: "close" }).end(body);
  });
}

/** Answers a request that the adapter cannot represent, because its URL or Host header is not valid. */
export function answerAdapterError(error: unknown): Response {
  return error instanceof RequestError
    ? refuse(400, "request.invalid", "The URL or the Host header is not valid.")
    : refuse(500, "internal", "Something went wrong.");
}

/** A response in the form of the app's errors. */
export function refuse(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(errorBody(code, message), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

function errorBody(code: string, message: string): string {
  return JSON.stringify({ error: { code, message } });
}

import { connect, type Socket } from "node:net";

/** The answer to bytes that no HTTP client would send. */
export interface RawAnswer {
  /** 0 when the connection ended without an answer. */
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** Resolves when the connection is made. */
export function openSocket(url: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(portOf(url), "localhost", () => resolve(socket));
    socket.once("error", reject);
    // The server may reset the connection. Only the answer before that matters.
    socket.on("error", () => undefined);
  });
}

/** Collects everything until the server closes the connection. */
export function answerOn(socket: Socket): Promise<RawAnswer> {
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  return new Promise((resolve) => {
    socket.once("close", () => {
      const [head = "", ...body] = text.split("\r\n\r\n");
      const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0);
      resolve({ status, head, body: body.join("\r\n\r\n") });
    });
  });
}

/** Sends these bytes unchanged. They must make the server close the connection. */
export async function exchange(url: string, bytes: string): Promise<RawAnswer> {
  const socket = await openSocket(url);
  const answer = answerOn(socket);
  socket.write(bytes, "latin1");
  return answer;
}

/** Resolves when the connection has ended, even by a reset. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

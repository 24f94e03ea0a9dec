import { connect, type Socket } from "node:net";

/** What no HTTP client would send, and what it is answered. */
export interface RawAnswer {
  /** 0 where the connection ended without an answer. */
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
    // Whoever is cut off may see a reset; what was answered before it counts.
    socket.on("error", () => undefined);
  });
}

/** Everything that comes until the server closes the connection. */
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

/** Sends these bytes as they are; they have to make the server close the connection. */
export async function exchange(url: string, bytes: string): Promise<RawAnswer> {
  const socket = await openSocket(url);
  const answer = answerOn(socket);
  socket.write(bytes, "latin1");
  return answer;
}

/** Resolves when the server has ended the connection, also with a reset. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

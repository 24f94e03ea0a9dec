import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

/** A request that the destination received. */
export interface Received {
  readonly method: string;
  /** The URL that the sender signed. */
  readonly url: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

type Answerer = (request: Received, count: number) => Reply | Promise<Reply>;

export interface Destination {
  readonly url: string;
  readonly received: Received[];
  /** Sets the answers to later requests. `count` is 1 for the first request of all. */
  readonly answer: (answerer: Answerer) => void;
  readonly close: () => Promise<void>;
}

const sayOk: Answerer = () => ({});

/** Starts an HTTP server that records requests and answers 200 by default. */
export async function openDestination(): Promise<Destination> {
  const received: Received[] = [];
  let answerer: Answerer = sayOk;
  let url = "";

  async function respond(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const request = {
      method: incoming.method ?? "",
      url: `${url}${incoming.url ?? ""}`,
      headers: new Headers(
        Object.entries(incoming.headersDistinct).map(([name, values]): [string, string] => [
          name,
          values?.join(", ") ?? "",
        ]),
      ),
      body: await buffer(incoming),
    };
    received.push(request);
    const { status = 200, headers = {}, body } = await answerer(request, received.length);
    outgoing.writeHead(status, headers).end(body);
  }

  const server = createServer((incoming, outgoing) => void respond(incoming, outgoing));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  url = `http://127.0.0.1:${address.port}`;

  return {
    url,
    received,
    answer: (next) => {
      answerer = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

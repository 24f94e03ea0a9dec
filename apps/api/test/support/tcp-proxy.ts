import { once } from "node:events";
import net from "node:net";

/** Stands between a client and a server on this machine. */
export interface TcpProxy {
  /** The server's URL, through the proxy. */
  readonly url: string;
  /** Breaks every connection; new ones are taken, unless `refuse` was called. */
  cut(): void;
  /** From now on nothing passes, in either direction, until `flow()`. Connections stay open. */
  stall(): void;
  /** The connections of now hear nothing any more, for good; new ones are fine. */
  strand(): void;
  /** Lets pass what was held back, and takes new connections. */
  flow(): void;
  /** From now on new connections are closed at once, until `flow()`. */
  refuse(): void;
  close(): Promise<void>;
}

/** @param target a URL with host and port, e.g. of Postgres */
export async function openTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const pipes = new Set<Pipe>();
  const sockets = new Set<net.Socket>();
  let stalled = false;
  let refusing = false;
  const server = net.createServer((client) => {
    client.on("error", () => undefined);
    if (refusing) return void client.destroy();
    const upstream = net.connect(Number(port), hostname);
    upstream.on("error", () => undefined);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      const opened = pipe(from, to);
      pipes.add(opened);
      sockets.add(from);
      from.once("close", () => {
        pipes.delete(opened);
        sockets.delete(from);
      });
      if (stalled) opened.hold();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    cut,
    stall() {
      stalled = true;
      for (const { hold } of pipes) hold();
    },
    strand() {
      for (const opened of pipes) opened.hold();
      pipes.clear();
    },
    flow() {
      stalled = false;
      refusing = false;
      for (const { release } of pipes) release();
    },
    refuse() {
      refusing = true;
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}

interface Pipe {
  hold(): void;
  release(): void;
}

/** One direction. A server's last words before it hangs up arrive: Postgres says why it does. */
function pipe(from: net.Socket, to: net.Socket): Pipe {
  let held = false;
  const resume = () => {
    if (!held && !to.writableNeedDrain) from.resume();
  };
  from.setNoDelay();
  from.on("data", (data) => {
    if (!to.destroyed && !to.write(data)) from.pause();
  });
  to.on("drain", resume);
  from.on("end", () => to.end());
  // After an orderly end there may still be words on their way; a broken connection breaks both.
  from.on("close", () => from.readableEnded || to.destroy());
  return {
    hold() {
      held = true;
      from.pause();
    },
    release() {
      held = false;
      resume();
    },
  };
}

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
  flow(): void;
  /** From now on new connections are closed at once, until `flow()`. */
  refuse(): void;
  close(): Promise<void>;
}

/** @param target a URL with host and port, e.g. of Postgres */
export async function openTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<net.Socket>();
  let stalled = false;
  let refusing = false;
  const server = net.createServer((client) => {
    if (refusing) return void client.destroy();
    const upstream = net.connect(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.setNoDelay();
      from.on("data", (data) => {
        if (!to.write(data)) from.pause();
      });
      to.on("drain", () => stalled || from.resume());
      from.on("error", () => undefined);
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      if (stalled) from.pause();
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
      for (const socket of sockets) socket.pause();
    },
    flow() {
      stalled = false;
      refusing = false;
      for (const socket of sockets) socket.resume();
    },
    refuse() {
      refusing = true;
    },
    async close() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

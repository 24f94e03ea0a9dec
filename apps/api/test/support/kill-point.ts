import { once } from "node:events";
import net from "node:net";

/** Where a message is held: before it reaches the server, or after the server executed it and before the answer. */
export type Side = "request" | "answer";

/** A proxy that holds a connection at a given message, so that a test can kill the client there. */
export interface KillPoint {
  /** The URL of the proxy. */
  readonly url: string;
  /**
   * Resolves when a client sends data that contains `marker`. From then on that connection passes nothing,
   * except the request itself with "answer". All other connections go on.
   */
  holdAt(marker: string, side: Side): Promise<void>;
  /** Breaks the held connection only. */
  breakHeld(): void;
  /** Sends new connections to another server. */
  redirect(target: string): void;
  close(): Promise<void>;
}

interface Watch {
  readonly marker: string;
  readonly side: Side;
  readonly reached: () => void;
}

/** @param target a URL with host and port: a Postgres or an HTTP server */
export async function openKillPoint(target: string): Promise<KillPoint> {
  const sockets = new Set<net.Socket>();
  let upstreamUrl = new URL(target);
  let watch: Watch | undefined;
  let heldClient: net.Socket | undefined;

  const server = net.createServer((client) => {
    const upstream = net.connect(Number(upstreamUrl.port), upstreamUrl.hostname);
    let held: Watch | undefined;
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay();
      socket.on("error", () => undefined);
      // A side that closes closes the other one at once. Held data is lost.
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.on("data", (data) => {
      if (held) return;
      if (watch && data.includes(watch.marker)) {
        held = watch;
        watch = undefined;
        heldClient = client;
        if (held.side === "request") return held.reached();
      }
      upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (held) held.reached();
      else client.write(data);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);

  return {
    // HTTP clients append paths.
    url: url.href.replace(/\/$/, ""),
    holdAt: (marker, side) =>
      new Promise((resolve) => {
        watch = { marker, side, reached: resolve };
      }),
    breakHeld() {
      heldClient?.destroy();
    },
    redirect(to) {
      upstreamUrl = new URL(to);
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

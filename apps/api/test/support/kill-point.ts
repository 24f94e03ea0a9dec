import { once } from "node:events";
import net from "node:net";

/**
 * Where in a conversation something is held: before the server has heard it, or when the server has
 * done it and nobody knows yet.
 */
export type Side = "request" | "answer";

/** Stands before a server and stops its conversation at a given point, for whoever is to die there. */
export interface KillPoint {
  /** The server's URL, through this. */
  readonly url: string;
  /**
   * Resolves when a client has said `marker`: from there on that connection passes nothing, but with
   * "answer" the request itself. All other connections go on.
   */
  holdAt(marker: string, side: Side): Promise<void>;
  /** Breaks the connection that was held, and no other. */
  breakHeld(): void;
  /** Connections to come lead there. */
  redirect(target: string): void;
  close(): Promise<void>;
}

interface Watch {
  readonly marker: string;
  readonly side: Side;
  readonly reached: () => void;
}

/** @param target a URL with host and port: of Postgres, or of a server that speaks HTTP */
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
      // What dies is dead for the other side at once; what was held is lost with it.
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
    // HTTP clients add paths to it.
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

import { once } from "node:events";
import net from "node:net";

/**
 * Stands between a client and a server on this machine. A Postgres session that asked for TCP keepalives
 * ends when nothing passed for as long as they take, as its kernel would end it: the proxy, which
 * answers for the client, hangs up on the server in its place, and the client hears of it by `flow()`.
 */
export interface TcpProxy {
  /** The server's URL, through the proxy. */
  readonly url: string;
  /** Breaks every connection; new ones are taken, unless `refuse` was called. */
  cut(): void;
  /**
   * From now on nothing passes, in either direction, until `flow()`. Where somebody `answers` in the
   * client's place, as a pooler does, the server gives nobody up.
   */
  stall(options?: { readonly answers?: boolean }): void;
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
  let answering = false;
  let refusing = false;
  const server = net.createServer((client) => {
    client.on("error", () => undefined);
    if (refusing) return void client.destroy();
    const upstream = net.connect(Number(port), hostname);
    upstream.on("error", () => undefined);
    for (const [from, to, watch] of [
      [client, upstream, watchSilence(client, upstream)],
      [upstream, client, undefined],
    ] as const) {
      const opened = pipe(from, to, watch);
      pipes.add(opened);
      sockets.add(from);
      from.once("close", () => {
        pipes.delete(opened);
        sockets.delete(from);
      });
      if (stalled) opened.hold(answering);
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
    stall({ answers = false } = {}) {
      [stalled, answering] = [true, answers];
      for (const { hold } of pipes) hold(answers);
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
  hold(answers?: boolean): void;
  release(): void;
}

const KEEPALIVES =
  /tcp_keepalives_idle = (\d+); set tcp_keepalives_interval = (\d+); set tcp_keepalives_count = (\d+)/;

/** Notes what a client asks for, and sees to it. */
function watchSilence(client: net.Socket, upstream: net.Socket): Pipe {
  let timeoutMs: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  client.on("data", (data) => {
    const asked = KEEPALIVES.exec(data.toString("latin1"));
    if (asked) {
      const [idle = 0, interval = 0, count = 0] = asked.slice(1).map(Number);
      timeoutMs = 1_000 * (idle + interval * count);
    }
  });
  const release = () => clearTimeout(timer);
  client.once("close", release);
  return {
    hold(answers) {
      if (timeoutMs && !answers) timer = setTimeout(() => upstream.destroy(), timeoutMs);
    },
    release,
  };
}

/** One direction. A server's last words before it hangs up arrive: Postgres says why it does. */
function pipe(from: net.Socket, to: net.Socket, watch?: Pipe): Pipe {
  let held = false;
  const resume = () => {
    if (!held && !to.writableNeedDrain) from.resume();
  };
  const isBroken = () => from.destroyed && !from.readableEnded;
  from.setNoDelay();
  from.on("data", (data) => {
    if (!to.destroyed && !to.write(data)) from.pause();
  });
  to.on("drain", resume);
  from.on("end", () => to.end());
  // After an orderly end there may still be words on their way; a broken connection breaks both.
  from.on("close", () => isBroken() && !held && to.destroy());
  return {
    hold(answers) {
      if (held) return;
      held = true;
      from.pause();
      watch?.hold(answers);
    },
    release() {
      held = false;
      watch?.release();
      if (to.destroyed) from.destroy();
      else resume();
    },
  };
}

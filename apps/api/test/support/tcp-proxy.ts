import { once } from "node:events";
import net from "node:net";

/**
 * A proxy between a client and a local server. Its own kernel acknowledges packets for a stalled client,
 * so the server's TCP keepalives would never fail. The proxy imitates them: it closes the server's side
 * when a stall lasts as long as the session's keepalives allow. The client learns of it after `flow()`.
 */
export interface TcpProxy {
  /** The server's URL with the proxy's address. */
  readonly url: string;
  /** Breaks every connection. New ones are accepted unless `refuse` was called. */
  cut(): void;
  /**
   * Holds back all data in both directions until `flow()`. With `answers`, keepalives succeed during the
   * stall, as they do with a pooler in between.
   */
  stall(options?: { readonly answers?: boolean }): void;
  /** Silences the existing connections for good. New ones work. */
  strand(): void;
  /** Releases held data and accepts new connections. */
  flow(): void;
  /** Closes new connections at once, until `flow()`. */
  refuse(): void;
  close(): Promise<void>;
}

/** @param target a URL with host and port, for example of Postgres */
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
        // During a stall the other side has not learnt of it yet.
        if (!opened.isHeld()) pipes.delete(opened);
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
      for (const opened of pipes) {
        opened.release();
        if (opened.isOver()) pipes.delete(opened);
      }
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

interface Watch {
  hold(answers?: boolean): void;
  release(): void;
}

interface Pipe extends Watch {
  isHeld(): boolean;
  isOver(): boolean;
}

const KEEPALIVES =
  /tcp_keepalives_idle = (\d+); set tcp_keepalives_interval = (\d+); set tcp_keepalives_count = (\d+)/;

/** Reads the keepalive settings of the session and applies them to a stall. */
function watchSilence(client: net.Socket, upstream: net.Socket): Watch {
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
  // A dead client answers no keepalives either, so its close does not end the stall.
  upstream.once("close", release);
  return {
    hold(answers) {
      if (timeoutMs && !answers) timer = setTimeout(() => upstream.destroy(), timeoutMs);
    },
    release,
  };
}

/** One direction. Data that the server sends before it closes still arrives: Postgres sends its reason. */
function pipe(from: net.Socket, to: net.Socket, watch?: Watch): Pipe {
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
  from.on("end", () => !held && to.end());
  // After an orderly end data may still be on its way. A broken connection breaks both sides.
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
      else if (isBroken()) to.destroy();
      else if (from.readableEnded) to.end();
      else resume();
    },
    isHeld: () => held,
    isOver: () => from.destroyed,
  };
}

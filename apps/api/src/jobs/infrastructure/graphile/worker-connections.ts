import { Socket } from "node:net";
import { Client, Pool, type PoolClient } from "pg";
import type { JobLogger } from "../../application/ports.ts";
import { within } from "../../application/within.ts";

/** For connecting, for each other statement of the lease but its heartbeats, and for each step of closing. */
export const STEP_TIMEOUT_MS = 5_000;

/** For every other statement, migrations among them. */
const QUERY_TIMEOUT_MS = 30_000;

/**
 * A machine that lost its power or its network closes no connection: the server must ask for it, and give
 * it up after three seconds. What such a machine still says afterwards reaches nobody.
 */
export const GIVE_UP_LOST_MACHINES = `
  set tcp_keepalives_idle = 1; set tcp_keepalives_interval = 1; set tcp_keepalives_count = 2`;

export interface WorkerConnectionsOptions {
  readonly connectionString: string;
  readonly concurrency: number;
  readonly log: JobLogger;
  /** The connection of the lease broke. */
  readonly onLost: (cause: unknown) => void;
}

/** All that one worker session has of the database. */
export interface WorkerConnections {
  readonly pool: Pool;
  /** Of the lease; not connected yet. */
  readonly client: Client;
  /** Closes all, what is silent not later than `patienceMs` from now. */
  end(patienceMs: number): Promise<void>;
}

export function openConnections(options: WorkerConnectionsOptions): WorkerConnections {
  const { connectionString, concurrency, log, onLost } = options;
  const sockets = new Set<Socket>();
  const connection = {
    connectionString,
    stream() {
      const socket = new Socket();
      sockets.add(socket);
      return socket.once("close", () => sockets.delete(socket));
    },
    connectionTimeoutMillis: STEP_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    application_name: "orbit-jobs",
  };
  const pool = new Pool({
    ...connection,
    query_timeout: QUERY_TIMEOUT_MS,
    max: Math.min(concurrency, 8) + 2,
    // oxlint-disable-next-line typescript/no-misused-promises -- pg waits for it, its types do not say so
    onConnect: (connected) => connected.query(GIVE_UP_LOST_MACHINES),
  });
  letReleasesRepeat(pool);
  const onConnectionError = (err: unknown) => log.warn({ err }, "a database connection broke");
  pool.on("error", onConnectionError);
  pool.on("connect", (connected) => connected.on("error", onConnectionError));
  const client = new Client({ ...connection, query_timeout: STEP_TIMEOUT_MS });
  client.on("error", onLost);
  client.on("end", () => onLost(new Error("the connection of the worker's lease ended")));
  return {
    pool,
    client,
    async end(patienceMs) {
      const gaveUp = () => undefined;
      await within(patienceMs, Promise.allSettled([pool.end(), client.end()]), gaveUp);
      // What is silent would be waited for as long as the network's own time-outs are.
      for (const socket of sockets) socket.destroy();
    },
  };
}

type OnConnected = Parameters<Pool["connect"]>[0];

/**
 * graphile-worker 0.18 gives back the connection it listens with twice when its LISTEN fails while it
 * stops. The second time the pool would throw, in a promise that nobody awaits: the end of the process.
 */
function letReleasesRepeat(pool: Pool): void {
  const take = pool.connect.bind(pool);
  function connect(): Promise<PoolClient>;
  function connect(onConnected: OnConnected): void;
  function connect(onConnected?: OnConnected): Promise<PoolClient> | undefined {
    if (!onConnected) return take();
    take((error, client, release) => {
      // A pool that has ended passes no `release`, whatever the types say.
      if (error) return onConnected(error, client, release);
      let isReleased = false;
      onConnected(error, client, (reason) => {
        if (isReleased) return;
        isReleased = true;
        release(reason);
      });
    });
    return undefined;
  }
  pool.connect = connect;
}

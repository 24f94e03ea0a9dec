import { randomUUID } from "node:crypto";
import { Socket } from "node:net";
import { Client, Pool } from "pg";
import type { JobLogger } from "../../application/ports.ts";
import { withTimeout } from "../common/with-timeout.ts";
import { allowRepeatedRelease } from "./graphile-worker-workarounds.ts";

/** For connecting, for every lease query except heartbeats, and for each step of closing. */
export const STEP_TIMEOUT_MS = 5_000;

/** For all other statements, including migrations. */
const QUERY_TIMEOUT_MS = 30_000;

const SESSION_CHECK_MS = 2_000;

/**
 * A machine that loses its power or network closes no connection. These keepalives make the server drop
 * it after three seconds, so that nothing the machine sends later is executed.
 */
const DROP_LOST_MACHINES = `
  set tcp_keepalives_idle = 1; set tcp_keepalives_interval = 1; set tcp_keepalives_count = 2`;

/**
 * graphile-worker, its functions and ours read times, arrays and patterns as text. A database or role may
 * have other defaults for its form.
 */
const READABLE_TEXT = `
  set datestyle = 'ISO'; set intervalstyle = 'postgres'; set timezone = 'UTC';
  set extra_float_digits = 1; set bytea_output = 'hex';
  set standard_conforming_strings = on; set array_nulls = on`;

/** The settings of every connection of a worker. */
export const WORKER_SETTINGS = `${DROP_LOST_MACHINES}; ${READABLE_TEXT}`;

export interface WorkerConnectionsOptions {
  readonly connectionString: string;
  readonly concurrency: number;
  readonly log: JobLogger;
  /** Called when the connection of the lease breaks or ends. */
  readonly onLost: (cause: unknown) => void;
}

/** All connections of one worker session. */
export interface WorkerConnections {
  readonly pool: Pool;
  /** The connection of the lease. Not connected yet. */
  readonly client: Client;
  /** Closes all connections. Destroys what is still open after `timeoutMs`. */
  end(timeoutMs: number): Promise<void>;
}

export function createConnections(options: WorkerConnectionsOptions): WorkerConnections {
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
    // oxlint-disable-next-line typescript/no-misused-promises -- pg awaits it, its types do not say so
    onConnect: (connected) => connected.query(WORKER_SETTINGS),
  });
  allowRepeatedRelease(pool);
  const onConnectionError = (err: unknown) => log.warn({ err }, "database connection broken");
  pool.on("error", onConnectionError);
  pool.on("connect", (connected) => connected.on("error", onConnectionError));
  const client = new Client({ ...connection, query_timeout: STEP_TIMEOUT_MS });
  client.on("error", (cause) => onLost(new Error("lease lost: its connection broke", { cause })));
  client.on("end", () => onLost(new Error("lease lost: its connection ended")));
  return {
    pool,
    client,
    async end(timeoutMs) {
      const ended = Promise.allSettled([pool.end(), client.end()]);
      await withTimeout(timeoutMs, ended, () => undefined);
      // Silent connections would stay open until the network's own timeouts.
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * Refuses connections that lose LISTEN, as behind a transaction pooler. Workers on them would get no
 * notifications and lose their leases. Two connections are needed: a pooler may deliver a notification to
 * the connection that sent it.
 */
export async function assertSessionsLast(listener: Client, notifier: Client): Promise<void> {
  const channel = `orbit_jobs_${randomUUID()}`;
  const heard = Promise.withResolvers<true>();
  const onNotification = (message: { channel: string }) => {
    if (message.channel === channel) heard.resolve(true);
  };
  listener.on("notification", onNotification);
  try {
    await listener.query(`listen "${channel}"`);
    await notifier.query("select pg_notify($1, '')", [channel]);
    if (await withTimeout(SESSION_CHECK_MS, heard.promise, () => false)) {
      await listener.query(`unlisten "${channel}"`);
      return;
    }
    throw new Error(
      "The worker's database connection loses LISTEN: it goes through a transaction pooler " +
        "(PgBouncer in transaction mode, or a provider's pooled URL). Set WORKER_DATABASE_URL to a " +
        "direct or session-mode URL of the same database.",
    );
  } finally {
    listener.off("notification", onNotification);
  }
}

import { readFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { isAlive } from "./exclusively.ts";

const PATIENCE_MS = 30_000;
const INTERVAL_MS = 100;

/**
 * The port of the Postgres that uses this data directory, or `undefined` when none does. Another process
 * may have started it and still live, or may have been killed. Removes a stale pid file, whose id now
 * belongs to another program.
 */
export async function findRunningPort(data: string, password: string): Promise<number | undefined> {
  const pidFile = path.join(data, "postmaster.pid");
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const lines = (await readFile(pidFile, "utf8").catch(() => "")).split("\n");
    const [pid, port] = [Number(lines[0]), Number(lines[3])];
    if (!pid || !isAlive(pid)) return undefined;
    if (port && (await servesDirectory(port, password, data))) return port;
    if (!isPostgres(pid)) {
      await rm(pidFile, { force: true });
      return undefined;
    }
    // Postgres is starting, recovering or stopping.
    await delay(INTERVAL_MS);
  }
  throw new Error(`The Postgres in ${data} neither answers nor stops. See server.log there.`);
}

async function servesDirectory(port: number, password: string, data: string): Promise<boolean> {
  const client = adminClient(port, password);
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>("show data_directory");
    return rows[0]?.data_directory === data;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A client, not yet connected, for the database that every server has. */
export function adminClient(port: number, password: string): Client {
  const client = new Client({
    host: "127.0.0.1",
    port,
    user: "orbit",
    password,
    database: "postgres",
    connectionTimeoutMillis: 2_000,
  });
  // Without a listener a lost connection would end the process. Queries reject anyway.
  client.on("error", () => undefined);
  return client;
}

/** Without /proc, any process with that id counts as Postgres. */
export function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("postgres");
  } catch {
    return true;
  }
}

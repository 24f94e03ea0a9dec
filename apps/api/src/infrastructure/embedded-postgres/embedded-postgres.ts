import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { exclusively, isAlive } from "./exclusively.ts";
import { findHome, type PostgresHome } from "./postgres-home.ts";
import { adminClient, findRunningPort, isPostgres } from "./running-postgres.ts";

const run = promisify(execFile);
const COMMAND_TIMEOUT_MS = 60_000;

export interface EmbeddedPostgres {
  /** Connects to the database "orbit". */
  readonly url: string;
  /** The directory of its files: the requested one, or the one under /var/tmp that root has to use. */
  readonly directory: string;
  /**
   * Stops it, unless another live process started it. "immediate" is a crash: Postgres drops its
   * connections, and the next start recovers from the log.
   */
  stop(mode?: "fast" | "immediate"): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly directory: string;
  /** Server settings, for example `{ fsync: "off" }` in tests. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * Starts a real Postgres on loopback, or joins the one that already uses the directory. pg_ctl detaches
 * it from the terminal, so Ctrl-C does not reach it: workers need their database until they have stopped.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const home = await findHome(path.resolve(options.directory));
  await mkdir(home.directory, { recursive: true });
  const ownerFile = path.join(home.directory, "owner.pid");
  let isOurs = false;
  const quit = () => {
    if (isOurs) quitAtOnce(dataOf(home));
  };
  process.once("exit", quit);
  const { port, password } = await exclusively(path.join(home.directory, "start.lock"), () =>
    startOrJoin(home, ownerFile, options.settings ?? {}, () => (isOurs = true)),
  );
  return {
    url: `postgres://orbit:${password}@127.0.0.1:${port}/orbit`,
    directory: home.directory,
    async stop(mode = "fast") {
      process.off("exit", quit);
      if (!isOurs) return;
      await rm(ownerFile, { force: true });
      await postgres(home, "pgCtl", ["stop", "-D", dataOf(home), "-m", mode, "-w"]);
    },
  };
}

/** For a process that exits without `stop`: SIGQUIT is Postgres's immediate shutdown. */
function quitAtOnce(data: string): void {
  try {
    const pid = Number(readFileSync(path.join(data, "postmaster.pid"), "utf8").split("\n")[0]);
    if (pid > 0 && isPostgres(pid)) process.kill(pid, "SIGQUIT");
  } catch {
    // It has stopped already.
  }
}

const dataOf = (home: PostgresHome) => path.join(home.directory, "data");

async function startOrJoin(
  home: PostgresHome,
  ownerFile: string,
  settings: Readonly<Record<string, string>>,
  own: () => void,
): Promise<{ port: number; password: string }> {
  const data = dataOf(home);
  const password = await initialise(home, data);
  const running = await findRunningPort(data, password);
  const isOurs = running === undefined || !(await isOwned(ownerFile));
  if (isOurs) own();
  const port = running ?? (await start(home, data, settings));
  if (isOurs) await writeFile(ownerFile, `${process.pid}\n`);
  await createDatabase(port, password);
  return { port, password };
}

/** Creates the data directory on the first start, atomically. Returns the password. */
async function initialise(home: PostgresHome, data: string): Promise<string> {
  const passwordFile = path.join(home.directory, "password");
  if (await stat(data).catch(() => undefined)) return (await readFile(passwordFile, "utf8")).trim();
  const password = randomBytes(24).toString("base64url");
  const fresh = `${data}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  await writeFile(passwordFile, `${password}\n`);
  await chmod(passwordFile, 0o600);
  const { uid, gid } = home.user;
  if (uid !== undefined && gid !== undefined) {
    await chown(fresh, uid, gid);
    await chown(passwordFile, uid, gid);
  }
  await postgres(home, "initdb", [
    "-D",
    fresh,
    "-U",
    "orbit",
    "-A",
    "scram-sha-256",
    `--pwfile=${passwordFile}`,
    "-E",
    "UTF8",
    "--locale=C",
  ]);
  await rename(fresh, data);
  return password;
}

async function start(
  home: PostgresHome,
  data: string,
  settings: Readonly<Record<string, string>>,
): Promise<number> {
  const portFile = path.join(home.directory, "port");
  const lastPort = Number(await readFile(portFile, "utf8").catch(() => "0"));
  // Prefer the last port, so that clients that lost their connection can reconnect.
  const port = await freePort(lastPort).catch(() => freePort(0));
  const all = { listen_addresses: "127.0.0.1", unix_socket_directories: "", port, ...settings };
  const flags = Object.entries(all).map(([name, value]) => `-c ${name}='${value}'`);
  const log = path.join(data, "server.log");
  await postgres(home, "pgCtl", ["start", "-D", data, "-w", "-l", log, "-o", flags.join(" ")]);
  await writeFile(portFile, `${port}\n`);
  return port;
}

async function isOwned(ownerFile: string): Promise<boolean> {
  const pid = Number(await readFile(ownerFile, "utf8").catch(() => ""));
  return pid > 0 && isAlive(pid);
}

async function createDatabase(port: number, password: string): Promise<void> {
  const client = adminClient(port, password);
  await client.connect();
  try {
    const { rowCount } = await client.query("select from pg_database where datname = 'orbit'");
    if (rowCount === 0) await client.query("create database orbit");
  } finally {
    await client.end();
  }
}

/** Checks that the port is free; 0 finds one. Rejects when it is in use. */
async function freePort(wanted: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(wanted, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no TCP port is free");
  return address.port;
}

async function postgres(
  home: PostgresHome,
  command: keyof PostgresHome["binaries"],
  args: readonly string[],
): Promise<void> {
  try {
    await run(home.binaries[command], args, {
      ...home.user,
      cwd: home.directory,
      timeout: COMMAND_TIMEOUT_MS,
      env: { PATH: process.env.PATH, LC_ALL: "C" },
    });
  } catch (cause) {
    const output = cause instanceof Error && "stderr" in cause ? String(cause.stderr) : "";
    throw new Error(`The embedded Postgres failed (${command}): ${output.trim()}`, { cause });
  }
}

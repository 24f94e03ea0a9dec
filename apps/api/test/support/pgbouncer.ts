import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { eventually } from "#src/jobs/testing/probe.ts";
import { freePort } from "./free-port.ts";

const pgbouncer = findPgBouncer();

/** Whether PgBouncer is installed. Tests that need it are skipped otherwise, and the reason is printed. */
export const hasPgBouncer = pgbouncer !== undefined;

if (!hasPgBouncer) {
  process.stdout.write(
    "SKIPPED the transaction pooler check: no pgbouncer on this machine (apt-get install pgbouncer).\n",
  );
}

function findPgBouncer(): string | undefined {
  for (const command of ["pgbouncer", "/usr/sbin/pgbouncer"]) {
    try {
      execFileSync(command, ["--version"], { stdio: "ignore" });
      return command;
    } catch {
      // Try the next path.
    }
  }
  return undefined;
}

/** A real PgBouncer in front of a database, with its default settings. */
export async function startPgBouncer(target: string, mode: "transaction" | "session") {
  const { hostname, port, username, password, pathname } = new URL(target);
  const name = pathname.slice(1);
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-pgbouncer-"));
  const listenPort = await freePort();
  const config = `
[databases]
${name} = host=${hostname} port=${port} dbname=${name} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
auth_type = any
pool_mode = ${mode}
unix_socket_dir =
`;
  const file = path.join(directory, "pgbouncer.ini");
  await writeFile(file, config, { mode: 0o644 });
  const asRoot = process.getuid?.() === 0;
  await chmod(directory, 0o755);
  const child: ChildProcess = spawn(pgbouncer ?? "", [file], {
    cwd: "/",
    stdio: "ignore",
    ...(asRoot && { uid: 65_534, gid: 65_534 }),
  });
  await eventually("PgBouncer listens", () => isListening(listenPort));
  return {
    url: `postgres://${username}@127.0.0.1:${listenPort}/${name}`,
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

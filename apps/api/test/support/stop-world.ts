import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { glob, mkdtemp, chmod, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { findHome } from "#src/infrastructure/embedded-postgres/postgres-home.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { createTestDatabase } from "./database.ts";
import { startCommand, type TestProcess } from "./process.ts";
import { startSmtp } from "./smtp.ts";

// For tests that stop a documented command while one of its jobs runs: a reminder whose mail server
// accepts the mail when the test says so.

const TOKEN = "token-of-the-stop-tests";
const GRACE_MS = 60_000;

/** Starts the command as PID 1 of a namespace, as a container does. */
export const AS_PID_1 = ["unshare", "--pid", "--fork", "--mount-proc"] as const;

/** Why PID namespaces cannot be made here, or `undefined`. */
export function noPidNamespace(): string | undefined {
  const { status } = spawnSync(AS_PID_1[0], [...AS_PID_1.slice(1), "true"]);
  return status === 0 ? undefined : "needs Linux, root and util-linux's unshare";
}

/** The only child of a process: npm or node as PID 1 below `unshare`. */
export async function childOf({ child }: TestProcess): Promise<number> {
  const file = `/proc/${child.pid}/task/${child.pid}/children`;
  return Number((await readFile(file, "utf8")).trim());
}

export type StopWorld = Awaited<ReturnType<typeof startStopWorld>>;

export async function startStopWorld() {
  const database = await createTestDatabase();
  let accept = Promise.withResolvers<void>();
  const smtp = await startSmtp({ accepts: () => accept.promise });
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-stop-"));
  await chmod(directory, 0o755);
  const { directory: home } = await findHome(path.join(directory, "postgres"));
  const started: TestProcess[] = [];

  async function processes(): Promise<readonly { pid: number; command: string }[]> {
    const found: { pid: number; command: string }[] = [];
    for await (const folder of glob("/proc/[0-9]*")) {
      const read = (name: string) => readFile(path.join(folder, name), "utf8").catch(() => "");
      const [command, environment] = [await read("cmdline"), await read("environ")];
      if (environment.includes(directory) || command.includes(directory) || command.includes(home))
        found.push({ pid: Number(path.basename(folder)), command: command.replaceAll("\0", " ") });
    }
    return found;
  }

  const world = {
    database,
    /** The mails of the running handlers, of which each waits to be accepted. */
    mails: smtp.received,
    /** Lets the running handlers end. */
    accept: () => accept.resolve(),

    /** @param embedded leaves DATABASE_URL out */
    start(command: readonly string[], env: Record<string, string> = {}, embedded = false) {
      accept = Promise.withResolvers<void>();
      const process = startCommand(
        command,
        {
          HOME: directory,
          ORBIT_DIRECTORY: directory,
          ORBIT_API_TOKEN: TOKEN,
          SMTP_URL: smtp.url,
          MAIL_FROM: "no-reply@example.com",
          PORT: "0",
          QSTASH_DEV_PORT: "0",
          JOBS_SHUTDOWN_GRACE_MS: String(GRACE_MS),
          ...(!embedded && { DATABASE_URL: database.url, JOBS_PROVIDER: "graphile" }),
          ...env,
        },
        { ownGroup: true },
      );
      started.push(process);
      return process;
    },

    /** Enqueues a reminder in the database, and waits until its handler runs. */
    async runJob(): Promise<void> {
      const [workspaceId, inviteId] = [randomUUID(), randomUUID()];
      const before = smtp.received.length;
      await database.pool.query(
        "insert into workspaces (id, slug, name, created_at) values ($1::uuid, $1::text, 'Acme', now())",
        [workspaceId],
      );
      await database.pool.query(
        `insert into workspace_invites (id, workspace_id, email, token, created_at, expires_at)
         values ($1::uuid, $2, 'a@example.com', $1::text, now(), now() + interval '1 day')`,
        [inviteId, workspaceId],
      );
      await database.pool.query(
        "select graphile_worker.add_job('workspaces.invites.send-reminder', json_build_object('inviteId', $1::text))",
        [inviteId],
      );
      await eventually("the handler runs", async () => smtp.received.length === before + 1);
    },

    /** The same over HTTP, for a server with a database of its own. */
    async runJobOverHttp(url: string): Promise<void> {
      const before = smtp.received.length;
      const post = async (route: string, body: object) => {
        const response = await fetch(`${url}${route}`, {
          method: "POST",
          headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
          body: JSON.stringify(body),
        });
        const answer = await response.text();
        if (!response.ok) throw new Error(`${route} answered ${response.status}: ${answer}`);
        return answer;
      };
      const slug = `acme-${before}`;
      await post("/v1/workspaces", { slug, name: "Acme" });
      const answer = await post(`/v1/workspaces/${slug}/invites`, { email: "a@example.com" });
      const [, inviteId = ""] = /"id":"([^"]+)"/.exec(answer) ?? [];
      await post("/v1/jobs", { name: "workspaces.invites.send-reminder", payload: { inviteId } });
      await eventually("the handler runs", async () => smtp.received.length === before + 1);
    },

    /** The jobs in the database, with the worker that holds each. */
    async jobs(): Promise<readonly { readonly locked_by: string | null }[]> {
      const { rows } = await database.pool.query<{ locked_by: string | null }>(
        "select locked_by from graphile_worker.jobs where task_identifier like 'workspaces.%reminder%' and run_at <= now()",
      );
      return rows;
    },

    /** The command lines of processes of this world that still run: none after a stop. */
    async leftovers(): Promise<readonly string[]> {
      return (await processes()).map(({ command }) => command);
    },

    async close(): Promise<void> {
      for (const { child } of started) child.kill("SIGKILL");
      for (const { pid } of await processes()) process.kill(pid, "SIGKILL");
      accept.resolve();
      await smtp.close();
      await database.drop();
      await rm(home, { recursive: true, force: true });
      await rm(directory, { recursive: true, force: true });
    },
  };
  return world;
}
